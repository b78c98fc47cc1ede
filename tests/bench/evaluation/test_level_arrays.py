"""Models that work level by level: terms that add up, what is sent and shown, pictures; by numbers known beforehand."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_evaluation import DATA, evaluation

from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.arrays.levels import enlarged
from bench.evaluation.evaluate import measure
from bench.evaluation.pictures.level_tiles import modes, super_resolution, variations
from bench.evaluation.pictures.tiles import TILES, save_tiles
from bench.metrics.registry.levels import MODES, TERMS
from bench.metrics.types import Blank
from models import MODELS
from models.selfvae.modes import RECONSTRUCTION_MODES

STUDY: dict[str, Any] = {"samplers": ("normal",), "extras": ("densities", "levels"), "images": 12}
SMALL = {
    "downs": 2, "q_u": (2, 1), "p_y": (2, 1), "q_z": (2, 1), "p_z_image": (2, 1), "p_z_code": (2, 1, 1),
    "p_z": (2, 1, 1), "p_x_code": (2, 1), "p_x": (2, 1, 1),
}  # fmt: skip


def model(*transformations: str) -> Any:
    torch.manual_seed(0)
    model_class = MODELS["SelfVAE"].resolve()
    return model_class(
        model_class.config_class(input_dim=(1, 8, 8), latent_dim=4, transformations=transformations, network=SMALL)
    )


@pytest.fixture(scope="module")
def two() -> Evaluation:
    return evaluation(model("downscale"), **STUDY)


@pytest.fixture(scope="module")
def three() -> Evaluation:
    return evaluation(model("downscale", "downscale"), **STUDY)


def test_the_names_are_those_of_the_models() -> None:
    assert tuple(RECONSTRUCTION_MODES) == MODES
    assert set(evaluation(model("downscale", "downscale"), **STUDY).get("bound_terms")) == set(TERMS)


def test_terms_of_all_levels_add_up_to_the_bound(two: Evaluation, three: Evaluation) -> None:
    for given in (two, three):
        terms = given.get("bound_terms")
        np.testing.assert_allclose(sum(terms.values()), given.get("neg_elbo_nats"), rtol=1e-5)
        np.testing.assert_array_equal(given.get("reconstruction_nats"), terms["distortion_x"])
        latents = [term for name, term in terms.items() if name.startswith("kl_")]
        np.testing.assert_allclose(given.get("kl_nats"), np.sum(latents, 0))


def test_probes_see_latents_and_no_pixels(two: Evaluation, three: Evaluation) -> None:
    assert (two.get("test_mean").shape, three.get("test_mean").shape) == ((12, 2 * 4), (12, 3 * 4))


def test_a_level_that_a_model_has_not_is_blank(two: Evaluation) -> None:
    assert two.get("level_nats", {"term": "kl_z1"}).shape == (12,)
    with pytest.raises(Blank, match="no y2"):
        two.get("level_nats", {"term": "distortion_y2"})


def test_bits_are_sums_of_nats_over_ln_2() -> None:
    """With the drawn z at p's own law, to send it costs nothing: CM and CG send -log2 p(y|u) and KL(u) alone."""
    given = evaluation(model("downscale"), **STUDY)
    seen: dict[str, Any] = {}
    information = given.view.information

    def watched(x: torch.Tensor, generator: Any) -> dict[str, torch.Tensor]:
        return {
            mode: bits + i for i, (mode, bits) in enumerate(seen.setdefault("own", information(x, generator)).items())
        }

    given.view.information = watched
    found = {mode: given.get("sent_bits", {"mode": mode}) for mode in MODES}
    for i, mode in enumerate(MODES):
        np.testing.assert_allclose(found[mode], seen["own"][mode].double() + i, rtol=1e-6)
    np.testing.assert_array_equal(found["CM"] + 3, found["CG"])  # the fifth mode and the second send the same


def test_the_original_takes_the_whole_bound(two: Evaluation) -> None:
    """In expectation; two independent samples of the latents agree to their spread."""
    sent, bound = two.get("sent_bits", {"mode": "OG"}), two.get("neg_elbo_nats") / math.log(2)
    assert sent.mean() == pytest.approx(bound.mean(), rel=0.05)


def test_modes_are_measured_where_there_are_levels_and_blank_elsewhere(two: Evaluation) -> None:
    metrics = ("level_nats", "sent_bits", "mode_psnr", "mode_ssim", "compressed_psnr")
    found = {(m.metric, m.setting): m for m in measure(evaluation(two.model, **STUDY, metrics=metrics))}
    assert all(found["sent_bits", f"mode={mode}"].status == "ok" for mode in MODES)
    assert all(found["mode_psnr", f"mode={mode}"].status == "ok" for mode in MODES[1:])
    assert found["compressed_psnr", ""].status == "ok"
    assert "smaller than" in str(found["mode_ssim", "mode=CG"].reason)  # 8 x 8 pixels
    assert ("mode_psnr", "mode=OG") not in found
    torch.manual_seed(0)
    vae = MODELS["VAE"].resolve()
    plain = vae(vae.config_class(input_dim=(1, 8, 8), latent_dim=3, network={"channels": (4,), "strides": (2,)}))
    reasons = {m.reason for m in measure(evaluation(plain, **STUDY, metrics=metrics))}
    assert reasons == {"the model has no levels"}


def test_psnr_of_a_compressed_image_that_is_off_by_a_tenth_is_20_db() -> None:
    given = evaluation(model("downscale", "downscale"), **STUDY, metrics=("compressed_psnr",))
    given.view.compressed_from_u = lambda x, generator: given.view.levels(x)[-1] + 0.1
    assert given.get("compressed").shape == (12, 1, 2, 2)
    (found,) = measure(given)
    assert (found.value, found.n) == (pytest.approx(20.0, abs=1e-4), 12)


def test_psnr_of_the_compressed_image_is_that_of_the_image_enlarged() -> None:
    """Of images that are constant in fields of 4 x 4, the enlarged half is near, in its middle exact."""
    x = torch.zeros(2, 1, 8, 8)
    x[:, :, :, 4:] = 1
    half = x[:, :, ::2, ::2]
    assert torch.equal(enlarged(half, (1, 8, 8), "nearest"), x)
    smooth = enlarged(half, (3, 8, 8), "bilinear")
    assert smooth.shape == (2, 3, 8, 8)
    assert torch.equal(smooth[:, :1, :, [0, 7]], x[:, :, :, [0, 7]])
    assert smooth[0, 0, 0].tolist() == pytest.approx([0, 0, 0, 0.25, 0.75, 1, 1, 1])


@pytest.mark.parametrize("transformation", ["downscale", "sketch"])
def test_pictures_have_their_rows_and_columns(transformation: str) -> None:
    given = evaluation(model(transformation), **STUDY)
    original = DATA.test.images[:10].astype(np.float32) / 255
    grid = modes(given)
    assert grid.shape == (6, 10, 1, 8, 8)
    np.testing.assert_allclose(grid[0], original, atol=1e-6)
    varied, resolved = variations(given), super_resolution(given)
    assert (varied.shape, resolved.shape) == ((4, 10, 1, 8, 8), (4, 6, 1, 8, 8))
    np.testing.assert_allclose(varied[:, 0], original[:4], atol=1e-6)
    np.testing.assert_allclose(resolved[:, -1], original[:4], atol=1e-6)
    np.testing.assert_array_equal(grid[1, :4], resolved[:, 0])  # the compressed image, its pixels repeated


def test_interpolations_begin_and_end_with_the_images_and_are_linear_in_the_code() -> None:
    """Under a linear decoder what lies between two codes lies between their images."""
    torch.manual_seed(0)
    vae = MODELS["VAE"].resolve()
    network = {"channels": (4,), "strides": (2,), "hidden": (8,)}
    plain = vae(vae.config_class(input_dim=(1, 8, 8), latent_dim=3, network=network))
    matrix = torch.randn(3, 64)
    given = evaluation(plain, **STUDY)
    given.view.decode = lambda z: (z @ matrix).reshape(-1, 1, 8, 8)  # type: ignore[method-assign]
    tile = TILES["latent-interpolations"].images(given)
    assert tile is not None
    assert tile.shape == (4, 12, 1, 8, 8)
    x = torch.from_numpy(DATA.test.images[:8]).float() / 255
    np.testing.assert_allclose(tile[:, 0], x[::2], atol=1e-6)
    np.testing.assert_allclose(tile[:, -1], x[1::2], atol=1e-6)
    steps = np.diff(tile[:, 1:-1], axis=1)
    np.testing.assert_allclose(steps, steps[:, :1].repeat(9, 1), atol=1e-4)
    with torch.no_grad():
        np.testing.assert_allclose(tile[:, 1], given.view.decode(plain.embed(x[::2])), atol=1e-4)


def test_a_dense_vae_has_pictures_but_none_backwards(tmp_path: Path) -> None:
    vae = MODELS["VAE"].resolve()
    network = {"kind": "dense", "strides": (2, 2), "encoder": (2, 1), "decoder": (4, 1)}
    plain = vae(vae.config_class(input_dim=(1, 8, 8), latent_dim=4, network=network))
    save_tiles(tmp_path, evaluation(plain, **STUDY))
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"samples", "reconstructions", "interpolations", "latent-interpolations"}


def test_levels_are_interpolated_through_u(two: Evaluation) -> None:
    tile = TILES["latent-interpolations"].images(two)
    assert tile is not None
    x = torch.from_numpy(DATA.test.images[:8]).float() / 255
    with torch.no_grad():
        np.testing.assert_allclose(tile[:, 1:-1], two.view.interpolate_u(x[::2], x[1::2], 10), atol=1e-5)
