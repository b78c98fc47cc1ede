"""Entries of METRICS, one file a table: label, unit, direction, inputs, and where the function is.

May import: bench.metrics.types, bench.samplers.
"""
