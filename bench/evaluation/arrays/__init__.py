"""The arrays that metrics and pictures take from one model, each computed at first use; `registry.py` lists them.

May import: bench.errors, bench.likelihood, bench.data, bench.samplers, bench.metrics, bench.evaluation.annealing,
bench.evaluation.features.
"""
