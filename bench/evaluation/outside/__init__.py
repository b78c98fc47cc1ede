"""What comes from elsewhere to be measured: models of Pythae's own classes, modules, samplers, images.

May import: bench.errors, bench.data, bench.likelihood.
"""
