"""The harness: suites, data, training, evaluation and the command line.

Floors: errors, system, likelihood, data, training, samplers, metrics, plugins, study, storage, evaluation, runs,
executors, command, perf, run.
"""
