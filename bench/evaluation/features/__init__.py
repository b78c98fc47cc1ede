"""Feature networks that images are compared in, and the classifiers that read them.

May import: bench.errors, bench.system, bench.data, bench.metrics.
"""
