"""The machine: whole files, checksums, locks, processes, memory, versions.

May import: bench.errors.
"""
