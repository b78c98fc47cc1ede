"""Which parameters each bound of M2 and Untapped reaches, their settings, networks and labels."""

import math
from typing import Any

import pytest
import torch
from untapped_toy import IMAGES, LABELS, NAMES, ROWS, D, K, toy

from bench.training.precision import set_precision
from models import MODELS
from models.training import Batch


def owners(model: Any) -> dict[str, list[torch.nn.Parameter]]:
    """The parameters of p(x|y, z), q(y|x) and q(z|x, y) of a model with networks of its own."""
    networks = model.encoder.networks
    labels = list(networks.labels.parameters())
    latent = [p for p in networks.parameters() if all(p is not q for q in labels)]
    return {"p(x|y,z)": list(model.decoder.parameters()), "q(y|x)": labels, "q(z|x,y)": latent}


EVERYTHING = {"p(x|y,z)", "q(y|x)", "q(z|x,y)"}


@pytest.mark.parametrize(
    ("setting", "term", "reached"),
    [
        ("as-paper", "forward_labelled", {"p(x|y,z)", "q(z|x,y)"}),
        ("as-paper", "forward_unlabelled", EVERYTHING),
        ("as-paper", "label_loss", {"q(y|x)"}),
        ("as-paper", "image_loss", {"p(x|y,z)", "q(z|x,y)"}),
        ("as-paper", "reverse", EVERYTHING),
        ("as-paper", "reverse_labelled", {"q(y|x)", "q(z|x,y)"}),
        ("as-code", "forward_labelled", {"p(x|y,z)", "q(z|x,y)"}),
        ("as-code", "forward_unlabelled", EVERYTHING),
        ("as-code", "label_loss", {"q(y|x)"}),
        ("as-code", "reverse", {"p(x|y,z)", "q(y|x)"}),
    ],
)
def test_each_bounds_gradient_reaches_what_the_paper_says(setting: str, term: str, reached: set[str]) -> None:
    model = toy("Untapped", setting=setting, labelled_reverse=True)
    labels = torch.tensor([0, 1, 2, -1, -1, -1])
    losses = model.terms(Batch(IMAGES[4:10], labels, None, 6), torch.Generator().manual_seed(0)).losses
    losses[term].mean().backward()
    for name, parameters in owners(model).items():
        touched = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in parameters]
        assert all(touched) if name in reached else not any(touched), name


def test_as_code_the_decoder_gets_the_score_of_its_own_sample_which_has_no_mean() -> None:
    """Hard x~ passes no gradient: what reaches p(x|y, z) is the gradient of ln p(x~), zero in expectation."""
    model = toy("Untapped", setting="as-code")
    y, z = (t.repeat(ROWS, 1) for t in (torch.eye(K)[:1], torch.tensor([[0.3]])))
    parameters = owners(model)["p(x|y,z)"]
    bias = parameters[-1]  # of the pixels: its score is x~ - p
    (gradient,) = torch.autograd.grad(model.reverse_bound(y, z, torch.Generator().manual_seed(0)).mean(), bias)
    assert float(gradient.abs().max()) < 5 * 0.5 / ROWS**0.5
    relaxed = toy("Untapped", setting="as-paper")
    (gradient,) = torch.autograd.grad(
        relaxed.reverse_bound(y, z, torch.Generator().manual_seed(0)).mean(), owners(relaxed)["p(x|y,z)"][-1]
    )
    assert float(gradient.abs().max()) > 0.01


@pytest.mark.parametrize("unlabelled", ["concrete", "sum"])
def test_the_labelled_bound_does_not_move_the_classifier(unlabelled: str) -> None:
    model = toy("M2", unlabelled=unlabelled)
    labels = torch.tensor([0, 1, 2, -1, -1, -1])
    losses = model.terms(Batch(IMAGES[4:10], labels, None, 6), torch.Generator().manual_seed(0)).losses
    touched = {}
    for term in ("forward_labelled", "image_loss", "forward_unlabelled"):
        found = torch.autograd.grad(losses[term].mean(), owners(model)["q(y|x)"], retain_graph=True, allow_unused=True)
        touched[term] = any(g is not None and bool(g.abs().sum() > 0) for g in found)
    assert touched == {"forward_labelled": False, "image_loss": False, "forward_unlabelled": True}


def test_labels_summed_leave_no_sample_for_the_label_loss() -> None:
    with pytest.raises(ValueError, match='unlabelled "sum" draws none'):
        toy("M2", unlabelled="sum", setting="as-code")


def test_as_code_all_is_a_tenth_and_the_image_loss_has_no_weight() -> None:
    bounds = dict.fromkeys(("forward_labelled", "forward_unlabelled", "reverse", "reverse_labelled"), 1.0)
    code = {name: 0.1 for name in bounds}
    assert toy("M2", setting="as-code").weights(1) == code | {"label_loss": 1.0, "image_loss": 0.0}
    assert toy("M2").weights(1) == bounds | {"label_loss": 10.0, "image_loss": 0.1}
    assert toy("M2", alpha_f=3.0, alpha_r=2.0).weights(1) == {
        **{name: 3.0 if "forward" in name else 2.0 for name in bounds},
        **{"label_loss": 10.0, "image_loss": 0.1},
    }


def test_the_settings_are_filled_in_and_single_fields_can_differ() -> None:
    config = toy("Untapped", setting="as-code", half_width=2.0).model_config
    assert (config.half_width, config.pairs, config.image_sample, config.reverse_latent) == (
        2.0,
        "fixed",
        "hard",
        False,
    )
    assert toy("Untapped").model_config.half_width == 1.5


def test_the_parameters_are_those_of_the_paper() -> None:
    kind = MODELS["M2"].resolve()
    model = kind(kind.config_class(input_dim=(1, 28, 28)))
    mlp = {
        "x -> y": 784 * 50 + 50 + 50 * 50 + 50 + 50 * 10 + 10,
        "(x, y) -> z": 794 * 10 + 10 + 10 * 10 + 10 + 2 * (10 * 2 + 2),
        "(y, z) -> x": 12 * 250 + 250 + 250 * 500 + 500 + 500 * 784 + 784,
    }
    assert sum(p.numel() for p in model.parameters()) == sum(mlp.values()) == 571_948
    scale = model.latent_posterior(model.encoder.look(torch.rand(1, 1, 28, 28)), torch.eye(10)[:1]).scale
    torch.testing.assert_close(scale, torch.full((1, 2), math.log(2)), atol=1e-5, rtol=0)


def test_the_mean_of_z_starts_as_every_layer_and_its_scale_at_zero() -> None:
    """Glorot's uniform initialisation of gain sqrt(2); with a mean head of zeros, z stays unused."""
    torch.manual_seed(0)
    kind = MODELS["M2"].resolve()
    config = kind.config_class(input_dim=(1, 28, 28), latent_dim=50, network={"latent": [300, 200]})
    networks = kind(config).encoder.networks
    for linear, inputs in ((networks.trunk[1], 300), (networks.location, 200)):
        weight = linear.weight.detach()
        end = math.sqrt(2) * math.sqrt(6 / (inputs + len(weight)))
        assert 0.98 * end < float(weight.abs().max()) <= end
        assert float(weight.std()) == pytest.approx(end / math.sqrt(3), rel=0.02)
        assert not linear.bias.any()
    assert not networks.scale.weight.any() and not networks.scale.bias.any()


def test_another_image_has_another_mean_of_z_from_the_start() -> None:
    for name in NAMES:
        kind = MODELS[name].resolve()
        model = kind(kind.config_class(input_dim=(1, 8, 8)))
        q = model.latent_posterior(model.encoder.look(torch.rand(2, 1, 8, 8)), torch.eye(10)[:2])
        assert not torch.allclose(q.location[0], q.location[1])


def test_the_bidirectional_network_reads_its_weights_both_ways() -> None:
    model = toy("BidirectionalM2")
    network = model.encoder.networks
    assert network is model.decoder.network
    sizes = [tuple(layer.linear.weight.shape) for layer in network.layers]
    assert sizes == [(5, 4), (6, 5), (K + D, 6)]
    first = network.layers[0].linear.weight
    for made in (model.label_log_probs(IMAGES), model.decode_given(LABELS, torch.zeros(K, D))):
        (gradient,) = torch.autograd.grad(made.square().sum(), first)
        assert bool(gradient.abs().sum() > 0)


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_wrong_labels_are_refused(name: str) -> None:
    model = toy(name).eval()
    assert torch.isfinite(model({"data": IMAGES, "labels": None}).loss)  # images may have none but in training
    model.train()
    for labels in (None, torch.full((16,), -1)):
        with pytest.raises(ValueError, match="learns from labels, and these images have none"):
            model({"data": IMAGES, "labels": labels})
    with pytest.raises(ValueError, match="takes labels from 0 to 2, not labels from 0 to 15"):
        model({"data": IMAGES, "labels": torch.arange(16)})
    with pytest.raises(ValueError, match="-1 where it has none"):
        model({"data": IMAGES, "labels": torch.zeros(16, 2, dtype=torch.long)})


def test_the_order_of_labelled_and_unlabelled_images_does_not_matter() -> None:
    """The labelled terms' means are over labelled images alone, wherever they stand among whatever others."""
    model = toy("M2")
    y = torch.tensor([2, -1, -1, 0, -1])
    terms = model.terms(Batch(IMAGES[:5], y), torch.Generator().manual_seed(0)).losses
    alone = model.terms(Batch(IMAGES[[0, 3]], y[[0, 3]]), torch.Generator().manual_seed(1)).losses
    torch.testing.assert_close(terms["label_loss"].mean(), alone["label_loss"].mean())
    assert terms["label_loss"][[1, 2, 4]].tolist() == [0, 0, 0] == terms["forward_unlabelled"][[0, 3, 3]].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_networks_in_bfloat16_give_float32_results_near_those_of_float32(name: str) -> None:
    model, batch = toy(name), Batch(IMAGES, torch.arange(16) % 4 - 1)
    exact = model.terms(batch, torch.Generator().manual_seed(0)).losses
    set_precision(model, torch.bfloat16)
    rough = model.terms(batch, torch.Generator().manual_seed(0)).losses
    for key, term in exact.items():
        assert rough[key].dtype == torch.float32
        assert not torch.equal(rough[key], term)
        torch.testing.assert_close(rough[key].mean(), term.mean(), atol=0.2, rtol=0.05)
