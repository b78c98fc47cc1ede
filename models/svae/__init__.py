"""The symmetric VAE, with sVAE-r, ALI and ALICE: a critic of pairs (x, z) on images, colour images and points.

May import: models.noise, models.networks, models.distributions, models.training, models.capabilities,
models.interface, models.bidirectional, models.from_config, models.forms.
"""
