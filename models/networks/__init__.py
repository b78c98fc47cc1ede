"""Networks: layers that run both ways, and what is stacked of them.

May import: models.kernels.
"""
