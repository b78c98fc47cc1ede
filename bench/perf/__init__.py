"""Programs that compare two things in one run: `python -m bench.perf.trainer`, `nll`, `ais`, `suite`, `outside`,
`scaling`, `limit`, `runs`, and `accelerator`.

May import: bench.errors, bench.system, bench.likelihood, bench.data, bench.training, bench.study, bench.storage,
bench.evaluation, bench.runs, bench.executors.
"""
