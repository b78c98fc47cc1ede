"""A run carried out: its cost, training, evaluation and records; which runs train together, what is left to do.

May import: bench.errors, bench.system, bench.data, bench.training, bench.metrics, bench.study, bench.storage,
bench.evaluation.
"""
