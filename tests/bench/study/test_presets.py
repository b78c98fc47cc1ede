"""Presets beside small and paper: what is half of the printed network, what was small once, what rows may change."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import BadInput
from bench.runs.train import build
from bench.study.run import Run
from bench.study.suite import expand, load
from models.networks.linear import BiConv2d, BiLinear

RESULTS = Path(__file__).parents[3] / "results"
MNIST = (1, 28, 28)


def runs_of(name: str, preset: str, *overrides: str, shape: tuple[int, ...] = MNIST) -> list[Run]:
    return expand(load(name, preset, overrides), name, preset, seeds=[0], shape=shape)  # type: ignore[arg-type]


def unmet(model: Any) -> float:
    """The share of both networks' shared weights that no pixel, of images and of what is decoded, depends on."""
    x = torch.rand(3, *MNIST, generator=torch.Generator().manual_seed(0))
    networks = model.encoder.network, model.decoder.network
    code = networks[0].point(x)
    made = networks[1].reverse(torch.randn(3, model.latent_dim, generator=torch.Generator().manual_seed(1)))
    loss = sum((out * torch.randn(out.shape, generator=torch.Generator().manual_seed(2))).sum() for out in (code, made))
    modules = [m for network in networks for m in network.modules() if isinstance(m, BiConv2d | BiLinear)]
    gradients = torch.autograd.grad(loss, [m.weight for m in modules])
    return sum(int((g == 0).sum()) for g in gradients) / sum(g.numel() for g in gradients)


def test_each_weight_of_half_the_papers_network_meets_pixels() -> None:
    run, paper = (runs_of("mnist", preset)[0] for preset in ("paper-half", "paper"))
    assert [2 * c for c in run.network.channels] == list(paper.network.channels)
    alike = ("kind", "strides", "blocks", "pool", "hidden", "norm")
    assert all(getattr(run.network, name) == getattr(paper.network, name) for name in alike)
    assert unmet(build(run, MNIST)) == 0
    to_one_pixel = "network.strides=[2, 2, 2, 2, 2]", "network.channels=[4, 4, 8, 16]"
    halved = runs_of("mnist", "paper-half", *to_one_pixel)[0]
    assert unmet(build(halved, MNIST)) > 0.5  # of 3 x 3 weights on one pixel the middle one alone


@pytest.mark.parametrize("name", ["mnist", "fashion", "cifar10", "celeba", "digits"])
def test_half_the_printed_widths_are_a_preset_of_every_suite_of_pairs(name: str) -> None:
    half, paper = (load(name, preset).presets[preset] for preset in ("paper-half", "paper"))  # type: ignore[index]
    for field in ("channels", "hidden"):
        assert [2 * size for size in half.network[field]] == paper.network[field]  # type: ignore[union-attr]
    assert half.network | {"channels": 0, "hidden": 0} == paper.network | {"channels": 0, "hidden": 0}
    assert half.latent_dim == paper.latent_dim


@pytest.mark.parametrize(("name", "shape"), [("lbae-mnist", MNIST), ("lbae-digits", (1, 8, 8))])
def test_what_was_lbaes_small_preset_is_its_mirror_and_the_codes_decoder_is_small(
    name: str, shape: tuple[int, ...]
) -> None:
    lines = (RESULTS / name / "digests.jsonl").read_text().splitlines()
    stored = {run["id"] for run in map(json.loads, lines) if run["run"]["seed"] == 0}
    assert stored <= {run.id for run in runs_of(name, "mirror", shape=shape)}
    assert {run.network.kind for run in runs_of(name, "small", shape=shape)} == {"lbae-code"}


def test_a_row_may_be_trained_otherwise_and_a_preset_may_say_more_of_a_row(tmp_path: Path) -> None:
    text = """
        title = "mine"
        dataset = "digits"
        rows = [
            { row = "long", model = "VAE", variants = ["unidirectional"], training = { epochs = 9 } },
            { row = "short", model = "BetaVAE", variants = ["unidirectional"], options = { beta = 2.0 } },
        ]
        [presets.small]
        latent_dim = 4
        epochs = 3
        network = { channels = [4], strides = [2] }
        row_options = { short = { beta = 3.0 } }
        pixels = "binary"
    """
    path = tmp_path / "mine.toml"
    path.write_text(text)
    long, short = runs_of(str(path), "small", shape=(1, 8, 8))
    assert (long.training.epochs, short.training.epochs, short.options["beta"]) == (9, 3, 3.0)
    assert long.data == short.data == {"pixels": "binary"}
    for wrong, said in (("short = {", "row in row_options 'shirt'"), ("epochs = 9", "'epoch'")):
        path.write_text(text.replace(wrong, wrong.replace("short", "shirt").replace("epochs", "epoch")))
        with pytest.raises(BadInput, match=said):
            runs_of(str(path), "small", shape=(1, 8, 8))
