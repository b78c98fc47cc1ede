"""The latent Bernoulli autoencoder: codes of bits, sampled by random hyperplanes.

May import: models.noise, models.distributions, models.training, models.capabilities, models.bidirectional,
models.forms.
"""
