"""What the command line says: listings, progress, and what a plug-in lacks.

May import: bench.errors, bench.data, bench.metrics, bench.plugins, bench.study, bench.evaluation.
"""
