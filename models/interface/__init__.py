"""What Pythae's own tools ask of a model: its trainers' losses, the keys of `forward`, names, likelihood estimates.

May import: models, models.noise, models.distributions, models.training, models.capabilities.
"""
