"""From a trained model to measurements: arrays, likelihoods, annealing, pictures.

May import: bench.errors, bench.system, bench.likelihood, bench.data, bench.samplers, bench.metrics, bench.study.
"""
