"""The training engine: batches, steps, optimisers, precision, states to go on from.

May import: bench.system.
"""
