"""Densities, likelihoods, priors and flows: the laws that models are made of.

May import: models.noise, models.kernels, models.networks.
"""
