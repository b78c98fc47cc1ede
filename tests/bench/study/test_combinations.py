"""Studies over a grid: each seed is one combination."""

from bench.study import suite
from bench.study.combinations import combination, size

SHAPE = (1, 1, 2)


def test_seeds_run_through_every_combination_once_and_begin_again() -> None:
    grid = {"network.a": (1, 2), "b": ("x", "y", "z")}
    found = [combination(grid, seed) for seed in range(size(grid))]
    assert found[0] == ({"a": 1}, {"b": "x"}) and found[1] == ({"a": 1}, {"b": "y"})
    assert len({str(c) for c in found}) == size(grid) == 6
    assert combination(grid, 7) == found[1]
    assert combination({}, 3) == ({}, {}) and size({}) == 1


def test_the_toy_study_is_24_configurations_of_six_rows_and_the_full_one_576_of_ten() -> None:
    for name, preset, rows, seeds in (("svae-toy", "small", 6, 24), ("svae-toy-full", "paper", 10, 576)):
        loaded = suite.load(name, preset)
        assert suite.count(loaded, preset) == rows * seeds
    runs = suite.expand(suite.load("svae-toy", "paper"), "svae-toy", "paper", shape=SHAPE)
    assert len({str((r.network, r.options["steps"])) for r in runs}) == 24
    assert {len(r.network.encoder) for r in runs} == {2, 3}
    assert {tuple(r.options["steps"]) for r in runs} == {(1, 1), (3, 1), (1, 3)}
    assert {r.seed for r in runs} == set(range(24)) and len({r.id for r in runs}) == 144


def test_a_suite_without_a_grid_keeps_its_seeds_and_its_identities() -> None:
    loaded = suite.load("digits", "small")
    assert list(loaded.seeds_of("small")) == [0, 1, 2]
    preset = loaded.presets["small"]
    assert not {"grid", "adam_beta1"} & preset.model_dump(mode="json", exclude_defaults=True).keys()
    assert "adam_beta1" not in preset.training(loaded.rows[0]).identity()


def test_runs_of_one_shape_are_grouped_across_models() -> None:
    from bench.runs.groups import candidates

    runs = suite.expand(suite.load("svae-toy", "small"), "svae-toy", "small", shape=SHAPE)
    groups = candidates(runs)
    assert sorted(len(group) for group in groups) == [2] * 24 + [4] * 24
    assert all(len({str(run.network) for run in group}) == 1 for group in groups)
