"""What the command line says: its options, listings, progress, and what a plug-in lacks.

May import: bench.errors, bench.system, bench.data, bench.training, bench.metrics, bench.plugins, bench.study,
bench.storage, bench.evaluation, bench.runs, bench.executors.
"""
