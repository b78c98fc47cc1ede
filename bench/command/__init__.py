"""What the command line says: its options, listings, progress, and what a plug-in lacks.

May import: bench.errors, bench.data, bench.metrics, bench.plugins, bench.study, bench.executors,
bench.evaluation.
"""
