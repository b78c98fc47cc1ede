"""Pythae's own models on the suite's networks: stock losses, corrected ones, and their bidirectional forms.

May import: models.noise, models.networks, models.distributions, models.objectives, models.training,
models.capabilities, models.interface, models.bidirectional, models.forms, models.bvae.
"""
