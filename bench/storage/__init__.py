"""Results on disk: run folders, digests, who carries out a run, and which code trained it.

May import: bench.errors, bench.system, bench.study.
"""
