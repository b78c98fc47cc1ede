"""The study of codes by an evaluation: pairs, ways between them, edits, and what digests keep of it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from toy_evaluation import DATA, build_model, evaluation

from bench.data.types import Split
from bench.evaluation.arrays.codes import edited
from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.evaluate import measure
from bench.evaluation.pictures.plots import plots
from bench.evaluation.pictures.tiles import TILES, save_tiles
from models import MODELS
from models.lbae.hyperplane import HyperplaneSampler
from models.lbae.paths import inversion_steps

STUDY = {"samplers": ("normal", "two-stage", "hyperplane", "rounding", "coins"), "extras": ("prd", "classes", "codes")}


@pytest.fixture(scope="module")
def gaussian() -> Evaluation:
    return evaluation(build_model(), **STUDY)


@pytest.fixture(scope="module")
def bits() -> Evaluation:
    torch.manual_seed(0)
    network = {"kind": "lbae", "channels": (4, 4, 8), "strides": (1, 2, 2), "hidden": (), "norm": "batch"}
    model_class = MODELS["LBAE"].resolve()
    return evaluation(
        model_class(model_class.config_class(input_dim=(1, 8, 8), latent_dim=6, network=network)), **STUDY
    )


def test_code_bits_count_a_float_as_32(gaussian: Evaluation, bits: Evaluation) -> None:
    assert gaussian.get("code_bits").tolist() == [3 * 32]
    assert bits.get("code_bits").tolist() == [6]


@pytest.mark.parametrize("protocol", ["code", "figure", "interior"])
def test_ways_between_gaussian_codes_are_straight(gaussian: Evaluation, protocol: str) -> None:
    split = "train" if protocol == "code" else "test"
    source, target = gaussian.get("pair_of_codes", {"split": split})
    walks = gaussian.get("walks", {"protocol": protocol})
    inner = walks if protocol == "interior" else walks[:, 1:-1]
    assert walks.shape[1] == (10 if protocol == "interior" else 12)
    np.testing.assert_allclose(inner[:, 0], source, rtol=1e-6)
    np.testing.assert_allclose(inner[:, -1], target, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(inner[:, 3], (2 * source + target) / 3, rtol=1e-4, atol=1e-6)


def test_pairs_of_the_codes_protocol_are_training_codes(bits: Evaluation) -> None:
    trained = {tuple(code) for code in bits.get("train_bits")}
    assert {tuple(code) for code in bits.get("pair_of_codes", {"split": "train"})[0]} <= trained
    walks = bits.get("walks", {"protocol": "code"})
    source, target = bits.get("pair_of_codes", {"split": "train"})
    np.testing.assert_array_equal(walks[:, 0], source)
    np.testing.assert_array_equal(walks[:, -1], target)


def test_ways_between_bits_are_bits_with_the_own_codes_at_both_ends(bits: Evaluation) -> None:
    walks = bits.get("walks", {"protocol": "figure"})
    assert set(np.unique(walks)) <= {-1, 1}
    np.testing.assert_array_equal(walks[:, 0], bits.get("source_bits"))
    np.testing.assert_array_equal(walks[:, 1:-1], bits.get("path_bits", {"inversion": "paper"}))
    np.testing.assert_array_equal(bits.get("walks", {"protocol": "interior"}), walks[:, 1:-1])


def test_tilts_are_those_of_the_codes_own_planes(bits: Evaluation) -> None:
    factor = HyperplaneSampler().fit_moments(torch.from_numpy(bits.get("moments"))).factor
    codes = torch.from_numpy(bits.get("source_bits")).float()
    for inversion, flip in (("paper", True), ("code", False)):
        expected = inversion_steps(factor, codes, flip=flip)
        np.testing.assert_array_equal(bits.get("inversion_tilts", {"inversion": inversion}), expected)
        (found,) = [m for m in measure(bits) if (m.metric, m.setting) == ("inversion_steps", f"inversion={inversion}")]
        assert found.value == pytest.approx(float(expected.double().mean()))


def test_fifty_thousand_codes_are_drawn_by_each_sampler_of_bits(bits: Evaluation) -> None:
    drawn = bits.get("sampled_bits", {"sampler": "coins"})
    assert drawn.shape == (50_000, 6)
    assert abs(drawn.mean()) < 0.01


def test_mean_codes_of_classes_are_over_their_training_images(bits: Evaluation) -> None:
    codes, labels = bits.get("train_bits"), bits.get("train_labels")
    np.testing.assert_allclose(bits.get("class_codes")[1], codes[labels == 1].mean(0))


def test_an_edit_towards_a_class_sets_the_bits_that_its_codes_share(bits: Evaluation) -> None:
    mean = bits.get("class_codes")[2]
    code = edited(bits.get("class_codes"), -np.ones((1, 6), np.int8), np.array([2]), threshold=0.1)[0]
    assert (code[mean > 0.1] == 1).all()
    assert (code[mean <= 0.1] == -1).all()


def test_edits_are_towards_another_class(bits: Evaluation) -> None:
    targets, labels = bits.get("edit_targets"), bits.get("test_labels")
    assert (targets != labels).all()
    assert set(targets) <= set(range(len(DATA.classes)))


def test_edits_of_attributes_are_walked_towards_in_ten_steps(bits: Evaluation) -> None:
    rng = np.random.default_rng(0)

    def attributed(split: Split) -> Split:
        return Split(split.images, rng.integers(0, 2, (len(split.images), 3)))

    parts = {name: attributed(getattr(DATA, name)) for name in ("train", "validation", "test")}
    data = replace(DATA, classes=("Young", "Eyeglasses", "Goatee"), **parts)
    given = Evaluation(bits.model, data, bits.settings, 0, bits.features, 1.0)
    sheet = TILES["edits"].images(given)
    assert sheet is not None and sheet.shape == (2 * 2, 12, 1, 8, 8)  # two images an attribute; source, steps, edited


def test_every_cell_of_the_study_is_a_number_or_says_why_not(gaussian: Evaluation, bits: Evaluation) -> None:
    for given in (gaussian, bits):
        cells = measure(given)
        assert [m for m in cells if m.status == "failed"] == []
        assert all(m.reason for m in cells if m.status == "blank")
    measured = {(m.metric, m.setting) for m in measure(bits) if m.status == "ok"}
    assert {("bit_sum_tv", "sampler=rounding"), ("slerp_deviation", "inversion=inverse")} <= measured
    assert {("edit_share", "threshold=0.12"), ("ifd_classifier", "protocol=interior")} <= measured
    assert {("least_eigenvalue", ""), ("repair_error", "")} <= measured


def test_second_stage_codes_have_the_moments_of_the_first_stages(gaussian: Evaluation) -> None:
    codes, state = gaussian.get("train_codes"), torch.random.get_rng_state()
    from bench.samplers import SAMPLERS

    drawn = SAMPLERS["two-stage"].draw(gaussian, 4000).numpy()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.abs(drawn.mean(0) - codes.mean(0)).max() < 0.5 * codes.std()
    np.testing.assert_array_equal(SAMPLERS["two-stage"].draw(gaussian, 4000).numpy(), drawn)


def test_digests_keep_what_the_figures_need(gaussian: Evaluation, bits: Evaluation) -> None:
    kept: dict[str, Any] = plots(bits)
    assert set(kept) == {"bit_sums", "hamming", "prd", "class_shares"}
    assert set(plots(gaussian)) == {"prd", "class_shares"}
    assert set(kept["bit_sums"]) == {"encoded", "hyperplane", "rounding", "coins"}
    for shares in [*kept["bit_sums"].values(), *kept["class_shares"].values()]:
        assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert len(kept["hamming"]["paper"]["mean"]) == 10
    curve = kept["prd"]["hyperplane"]
    assert len(curve["precision"]) == len(curve["recall"]) == 101


def test_pictures_are_those_that_the_model_can_serve(gaussian: Evaluation, bits: Evaluation, tmp_path: Path) -> None:
    drawn = {}
    for name, given in (("gaussian", gaussian), ("bits", bits)):
        (tmp_path / name).mkdir()
        save_tiles(tmp_path / name, given)
        drawn[name] = {path.stem for path in (tmp_path / name).glob("*.png")}
    common = {"samples", "reconstructions", "interpolations", "backwards", "walks"}
    assert drawn == {"gaussian": common, "bits": common | {"coins", "edits"}}
    with Image.open(tmp_path / "bits" / "edits.png") as edits:  # six images: each whole, then towards three classes
        assert edits.size == (4 * 9 - 1, 6 * 9 - 1)
