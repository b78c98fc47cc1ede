"""Data sets that are drawn and not read: points of Gaussians, shapes of known factors.

May import: bench.data.places, bench.data.splits, bench.data.types.
"""
