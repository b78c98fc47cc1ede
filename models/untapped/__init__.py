"""Semi-supervised M2 and Untapped: models of images and labels.

May import: models.noise, models.kernels, models.networks, models.distributions, models.training, models.capabilities,
models.bidirectional, models.from_config, models.forms.
"""
