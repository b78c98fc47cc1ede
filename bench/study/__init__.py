"""Suites as data: suite files, their schema, and the runs that they expand to.

May import: bench.errors, bench.samplers, bench.metrics, bench.plugins.
"""
