"""The arrays that metrics and pictures take from one model, each computed at first use.

`registry.py` lists them and says what each holds, which is what the function of its name returns.

May import: bench.errors, bench.likelihood, bench.data, bench.samplers, bench.metrics, bench.study.schema,
bench.evaluation.annealing, bench.evaluation.features.
"""
