"""Pictures of a run: grids of images, and the small arrays that figures are drawn from.

May import: bench.errors, bench.system, bench.data, bench.metrics, bench.evaluation.arrays,
bench.evaluation.critic_study.
"""
