"""Self-supervised VAEs: an image is generated from a smaller or simpler one of its own.

May import: models.noise, models.networks, models.distributions, models.training, models.capabilities,
models.from_config.
"""
