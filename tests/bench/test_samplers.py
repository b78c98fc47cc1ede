"""The samplers: what each draws from, which models it serves, and why not."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_evaluation import build_model, evaluation

from bench.evaluation.arrays.evaluation import Evaluation
from bench.evaluation.evaluate import measure
from bench.samplers import SAMPLERS
from models import MODELS
from models.capabilities import CAPABILITIES
from models.lbae.hyperplane import BIT_SAMPLERS, second_moments, sign

BITS = frozenset({"encode", "reconstruct", "generate", "bits"})


@pytest.fixture(scope="module")
def model() -> Any:
    return build_model()


@pytest.fixture
def bits(model: Any, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """An evaluation of the model as one of bits, the signs of its means."""
    embed = model.embed

    def as_bits(x: Tensor) -> Tensor:
        return sign(embed(x))

    monkeypatch.setattr(model, "embed", as_bits)
    monkeypatch.setattr(model, "capabilities", BITS, raising=False)
    return evaluation(model, samplers=tuple(SAMPLERS))


@pytest.mark.parametrize("name", SAMPLERS)
def test_entry_is_complete(name: str) -> None:
    sampler = SAMPLERS[name]
    assert sampler.label
    assert sampler.needs <= CAPABILITIES
    assert sampler.unless is None or sampler.unless in CAPABILITIES
    assert ("bits" in sampler.needs) == (name in BIT_SAMPLERS)


def test_a_gaussian_model_is_sampled_by_its_prior_and_a_mixture_a_model_of_bits_by_bits(
    model: Any, bits: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bits.samplers() == ["hyperplane", "rounding", "coins", "own"]
    monkeypatch.undo()
    assert evaluation(model, samplers=("coins", "gmm", "normal")).samplers() == ["gmm", "normal"]


def test_a_sampler_that_the_model_cannot_serve_is_blank_with_the_reason(model: Any, bits: Evaluation) -> None:
    found = {m.setting.removeprefix("sampler="): m for m in measure(bits) if m.metric == "fd_classifier"}
    assert set(found) == set(SAMPLERS)
    assert {name for name, m in found.items() if m.status == "ok"} == {"hyperplane", "rounding", "coins", "own"}
    reasons = {name: m.reason for name, m in found.items() if m.status == "blank"}
    assert reasons["normal"] == "the model has no prior"
    assert reasons["gmm"] == "the model's codes are bits"
    assert reasons["two-stage"] == "the model has no posterior"
    assert all(reasons.values())


def test_a_model_without_bits_says_so(model: Any) -> None:
    (found,) = [m for m in measure(evaluation(model, samplers=("hyperplane",))) if m.metric == "fd_classifier"]
    assert (found.status, found.reason) == ("blank", "the model has no bits")


@pytest.mark.parametrize("name", ["hyperplane", "rounding", "coins"])
def test_bits_are_drawn_by_the_moments_of_all_training_images(bits: Evaluation, name: str) -> None:
    trained = bits.get("train_bits")
    assert trained.shape == (30, 3)
    assert set(np.unique(trained)) <= {-1, 1}
    moments = second_moments(torch.from_numpy(trained))
    np.testing.assert_array_equal(bits.get("moments"), moments.numpy())
    drawn = SAMPLERS[name].draw(bits, 11)
    assert drawn.shape == (11, 3)
    expected = BIT_SAMPLERS[name]().fit_moments(moments).sample(11, bits.generator(name))
    assert torch.equal(drawn, expected)


@pytest.mark.parametrize(
    ("capabilities", "theirs"),
    [(BITS, "hyperplane"), (BITS - {"bits"} | {"prior"}, "normal"), (BITS - {"bits"}, "gmm")],
)
def test_a_models_own_sampler_is_hyperplanes_its_prior_or_a_mixture(
    bits: Evaluation, monkeypatch: pytest.MonkeyPatch, capabilities: frozenset[str], theirs: str
) -> None:
    monkeypatch.setattr(bits.view, "capabilities", capabilities)
    assert torch.equal(SAMPLERS["own"].draw(bits, 11), SAMPLERS[theirs].draw(bits, 11))


def test_samples_are_the_decoded_codes_as_eight_bit_pixels(model: Any) -> None:
    given = evaluation(model)
    codes = model.prior.sample(22, given.generator("prior"))
    with torch.no_grad():
        exact = 255 * model.decode(codes).numpy()
    samples = given.get("samples", {"sampler": "normal"})
    assert samples.dtype == np.uint8
    assert np.abs(samples - exact).max() <= 0.5001


def test_a_mixture_of_one_component_has_the_moments_of_the_codes(model: Any) -> None:
    given = evaluation(model, gmm_components=1)
    codes = given.get("train_codes").astype(np.float64)
    drawn = SAMPLERS["gmm"].draw(given, 40_000).numpy()
    spread = codes.std(axis=0)
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.03 * spread.max())
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(codes.T, bias=True), atol=0.05 * spread.max() ** 2)


@pytest.mark.parametrize("name", ["maf", "iaf"])
def test_a_flow_fitted_to_codes_has_their_moments_and_is_a_function_of_the_seed(
    model: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    codes = torch.randn(600, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[2.0, 1.5], [0.0, 0.5]])
    given = evaluation(model)
    monkeypatch.setattr(given, "get", lambda array, setting=None: (codes + 7).numpy())
    before = torch.get_rng_state()
    drawn = SAMPLERS[name].draw(given, 4000)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.allclose(drawn.mean(0), codes.mean(0) + 7, atol=0.5)
    assert torch.allclose(torch.cov(drawn.T), torch.cov(codes.T), atol=1.0)
    assert torch.equal(drawn, SAMPLERS[name].draw(given, 4000))


CORRELATED = torch.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 0.02]])


@pytest.mark.parametrize(("name", "most"), [("gaussian", 0.05), ("two-stage-corrected", 0.15)])
def test_one_gaussian_and_the_second_stage_have_the_mean_and_covariance_of_gaussian_codes(
    model: Any, monkeypatch: pytest.MonkeyPatch, name: str, most: float
) -> None:
    codes = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) @ CORRELATED + 7
    given = evaluation(model)
    monkeypatch.setattr(given, "get", lambda array, setting=None: codes.numpy())
    before = torch.get_rng_state()
    drawn = SAMPLERS[name].draw(given, 20_000)
    assert torch.equal(before, torch.get_rng_state())
    scale = codes.std(0)
    assert float(((drawn.mean(0) - codes.mean(0)) / scale).abs().max()) < most
    assert float(((torch.cov(drawn.T) - torch.cov(codes.T)) / scale.outer(scale)).abs().max()) < most
    monkeypatch.setattr("bench.samplers.two_stage.EPOCHS", 1)
    assert torch.equal(SAMPLERS[name].draw(given, 9), SAMPLERS[name].draw(given, 9))


def test_pixelcnn_draws_the_codebooks_vectors_as_often_as_images_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = MODELS["StockVQVAE"].resolve()
    small = {"channels": (4,), "strides": (2,), "hidden": (8,)}
    config = kind.config_class(input_dim=(1, 8, 8), latent_dim=8, num_embeddings=4, side=2, network=small)
    torch.manual_seed(0)
    vq = kind(config).eval()
    given = evaluation(vq)
    pairs = torch.randint(0, 2, (1000, 2, 1)).expand(-1, -1, 2)  # both places of a row have the same vector, 0 or 1
    monkeypatch.setattr(given, "run", lambda function, array: pairs.numpy())
    drawn = SAMPLERS["own"].draw(given, 500)
    assert drawn.shape == (500, 8)
    vectors = drawn.unflatten(1, (2, 2, 2)).permute(0, 2, 3, 1)  # [n, 2, 2, D]
    which = torch.cdist(vectors.flatten(0, 2), vq.quantizer.embeddings.weight.detach()).argmin(1).view(-1, 2, 2)
    assert float((which < 2).float().mean()) > 0.85
    assert float((which[..., 0] == which[..., 1]).float().mean()) > 0.85


def test_every_sampler_is_what_its_name_says_and_asks_for_what_it_draws_from() -> None:
    flows, draws, stages = (f"bench.samplers.{part}" for part in ("flows", "draws", "two_stage"))
    assert {name: (s.label, set(s.needs), s.target, s.unless) for name, s in SAMPLERS.items()} == {
        "normal": ("prior", {"prior"}, f"{draws}:prior", None),
        "gmm": ("Gaussian mixture", {"encode"}, f"{draws}:mixture", "bits"),
        "gaussian": ("single Gaussian", {"encode"}, f"{draws}:gaussian", "bits"),
        "two-stage": ("second VAE", {"posterior", "prior"}, f"{stages}:stock_second_stage", None),
        "two-stage-corrected": ("second VAE, corrected", {"encode"}, f"{stages}:second_stage", "bits"),
        "hyperplane": ("hyperplane sampling", {"bits"}, f"{draws}:bits:hyperplane", None),
        "rounding": ("rounded Gaussian", {"bits"}, f"{draws}:bits:rounding", None),
        "coins": ("fair coins", {"bits"}, f"{draws}:bits:coins", None),
        "maf": ("masked autoregressive flow", {"encode"}, f"{flows}:flow_codes:maf", "bits"),
        "iaf": ("inverse autoregressive flow", {"encode"}, f"{flows}:flow_codes:iaf", "bits"),
        "pixelcnn": ("PixelCNN", {"codebook"}, f"{flows}:pixelcnn_codes", None),
        "rhvae": ("metric", {"metric"}, f"{draws}:riemannian", None),
        "own": ("the paper's own", {"encode"}, f"{draws}:own", None),
    }
