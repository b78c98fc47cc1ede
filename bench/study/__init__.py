"""Suites as data: suite files, their schema, and the runs that they expand to.

May import: bench.errors, bench.training.settings, bench.samplers, bench.metrics, bench.plugins.
"""

from typing import Literal, get_args

PresetName = Literal["small", "paper", "code", "paper-half", "medium", "mirror"]
PRESETS: tuple[PresetName, ...] = get_args(PresetName)  # each has a folder of results of its own
