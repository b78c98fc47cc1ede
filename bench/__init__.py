"""The harness: suites, data, training, evaluation and the command line."""
