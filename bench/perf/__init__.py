"""Programs that compare two things in one run: `python -m bench.perf.trainer`, `nll`, `suite`, `scaling`, `limit`."""
