"""Gradients against a critic's accuracy, what a collapsed model's evaluation holds, and the figures of both studies."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_results import ok, write_digest, write_suite
from torch import nn
from toy_evaluation import DATA, evaluation

from bench.evaluation.critic_study import LOSSES, critic_study
from bench.evaluation.evaluate import measure
from bench.evaluation.pictures.plots import plots
from bench.study.schema import Annealing
from bench.training.flops import training_cost
from models import MODELS
from models.svae.losses import ali_terms, discriminator_terms, literal_ali_terms, symmetric_terms
from report.figures.symmetric import draw_gradients, draw_lambda
from report.published import Printed
from report.store import read_suite

SHAPE = (1, 8, 8)
NETWORK = {
    "encoder_channels": (4,),
    "encoder_hidden": (8,),
    "decoder_channels": (4,),
    "decoder_hidden": (8,),
    "discriminator_channels": (4,),
    "discriminator_code": 4,
    "dropout": 0.2,
}


STEPS = (0, 1, 16, 64)


@pytest.fixture(autouse=True)
def fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.evaluation.critic_study.STEPS", STEPS)


def build(name: str = "SymmetricVAER", **options: Any) -> Any:
    torch.manual_seed(0)
    kind = MODELS[name].resolve()
    return kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=NETWORK, **options))


def test_the_literal_loss_is_what_the_critic_loses() -> None:
    f = torch.randn(2, 20, generator=torch.Generator().manual_seed(0))
    literal, critic = literal_ali_terms(*f), discriminator_terms(*f)
    for kind in ("encoder", "decoder"):
        assert torch.equal(literal[f"literal_of_{kind}"], -critic[f"critic_of_{kind}"])


@pytest.mark.parametrize("f", [-20.0, 0.0, 20.0])
def test_slopes_in_f_vanish_for_the_literal_loss_alone_where_the_critic_is_sure(f: float) -> None:
    def slope(terms: Any, side: int) -> float:
        values = torch.tensor([f, f], dtype=torch.float64, requires_grad=True)
        sum(terms(values[:1], values[1:]).values()).sum().backward()
        assert values.grad is not None
        return float(values.grad[side])

    sigma = 1 / (1 + math.exp(-f))
    assert [slope(symmetric_terms, side) for side in (0, 1)] == [-1, 1]
    assert [slope(ali_terms, side) for side in (0, 1)] == pytest.approx([sigma - 1, sigma])
    assert [slope(literal_ali_terms, side) for side in (0, 1)] == pytest.approx([-sigma, 1 - sigma])


class Scale(nn.Module):
    """A decoder of one weight w: x = w z."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))

    def draw(self, z: torch.Tensor, noise: Any = None) -> torch.Tensor:
        return (self.w * z)[:, :, None, None]


class Zeros(nn.Module):
    def draw(self, x: torch.Tensor, noise: Any = None) -> torch.Tensor:
        return x.new_zeros(len(x), 1)


class Line(nn.Module):
    """f = a x, trained from a = 0."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor, z: torch.Tensor, noise: Any = None) -> torch.Tensor:
        return self.a * x.flatten(1)[:, 0]


def test_norms_are_the_gradients_in_the_decoder_in_closed_form() -> None:
    kind = MODELS["PlaneALI"].resolve()

    class Tiny(kind):  # type: ignore[misc, valid-type]
        def __init__(self, model_config: Any):
            nn.Module.__init__(self)
            self.model_config = model_config
            self.encoder, self.decoder, self.discriminator = Zeros(), Scale(), Line()

    x = np.zeros((300, 1, 1, 1), np.float32)
    found = critic_study(Tiny(kind.config_class(input_dim=(1, 1, 1), latent_dim=1)), x, x, 0, "cpu")
    assert found["steps"] == list(STEPS) and set(found) == {"steps", "accuracy", *LOSSES}
    assert found["accuracy"][0] == 0  # f = 0 says neither
    assert [found[name][0] for name in LOSSES] == [0, 0, 0]  # f is flat in x
    assert found["symmetric"][-1] > 0


def test_the_models_own_critic_decoder_and_the_global_noise_are_left_alone() -> None:
    model = build().eval()
    before, noise = {k: t.clone() for k, t in model.state_dict().items()}, torch.get_rng_state()
    first, again = (critic_study(model, DATA.train.images, DATA.test.images, 3, "cpu") for _ in range(2))
    assert first == again
    assert all(torch.equal(before[k], t) for k, t in model.state_dict().items())
    assert torch.equal(noise, torch.get_rng_state()) and not model.training
    assert first["accuracy"][-1] > first["accuracy"][0]
    assert first["literal"][-1] < first["symmetric"][-1]  # Section 4.4


def test_only_models_with_a_critic_have_the_plot() -> None:
    settings: dict[str, Any] = {"extras": ("critic",), "samplers": ("normal",)}
    assert set(plots(evaluation(build(), **settings))["critic_gradients"]) == {"steps", "accuracy", *LOSSES}
    network = {"channels": (4,), "strides": (2,), "hidden": (8,)}
    kind = MODELS["VAE"].resolve()
    vae = kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=network))
    assert plots(evaluation(vae, **settings)) == {}


def test_a_collapsed_model_is_measured_and_scores_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("ALI").eval()
    monkeypatch.setattr(model, "decode", lambda z: z.new_full((len(z), *SHAPE), 0.5))
    names = ("inception_score", "mse", "fd_classifier", "bdmc_lower", "bdmc_upper", "bdmc_gap", "nll_ais")
    annealing = Annealing(images=3, distributions=5, chains=2)
    made = evaluation(model, extras=("scores", "annealing"), metrics=names, samplers=("normal",), annealing=annealing)
    monkeypatch.setattr(
        "bench.evaluation.arrays.scores._class_probabilities",
        lambda evaluation, drawn: np.eye(3)[drawn.reshape(len(drawn), -1).astype(int)[:, 0] % 3],
    )
    found = {m.metric: m for m in measure(made)}
    assert set(found) == set(names)
    assert {m.status for m in found.values()} == {"ok"}
    assert found["inception_score"].value == pytest.approx(1)
    low, high, gap = (found[f"bdmc_{name}"].value for name in ("lower", "upper", "gap"))
    assert low is not None and high is not None and gap == pytest.approx(high - low)


def test_repeated_steps_count_in_the_cost_of_training() -> None:
    costs = [training_cost(partial(build, steps=s), SHAPE)[1] for s in ((1, 1), (2, 1), (3, 1), (1, 2))]
    assert costs[2] - costs[1] == costs[1] - costs[0] > 0  # each step of the critic costs the same
    assert costs[3] > costs[0] + (costs[1] - costs[0])  # the others' step costs more


GRADIENTS = {"steps": [0, 1], "accuracy": [50, 99], **{name: [1.0, 0.1] for name in LOSSES}}


def test_figures_are_drawn_of_what_is_there(tmp_path: Path) -> None:
    rows = [f"{name} {weight}" for name in ("ALICE", "sVAE-r") for weight in ("0", "1e-6", "1")]
    write_suite(tmp_path, rows)
    for row in rows:
        options = {"options": {"reconstruction_weight": float(row.split()[1])}}
        cells = [ok("inception_score", "", 3.0), ok("mse", "", 0.1)]
        write_digest(tmp_path, row, "unidirectional", 0, cells, run=options, plots={"critic_gradients": GRADIENTS})
    suite = read_suite(tmp_path)
    printed = {("ALICE 1", "unidirectional", "inception_score", ""): Printed("2.18", 2.18, "", "")}
    assert [p.name for p in draw_lambda(suite, printed)] == ["lambda.png", "lambda.pdf"]
    assert [p.name for p in draw_gradients(suite)] == ["gradients.png", "gradients.pdf"]


def test_two_values_of_lambda_make_no_curve(tmp_path: Path) -> None:
    write_suite(tmp_path, ["ALICE 0.1", "ALICE 1"])
    for row in ("ALICE 0.1", "ALICE 1"):
        options = {"options": {"reconstruction_weight": float(row.split()[1])}}
        write_digest(tmp_path, row, "unidirectional", 0, [ok("mse", "", 0.1)], run=options)
    assert draw_lambda(read_suite(tmp_path)) == draw_gradients(read_suite(tmp_path)) == []
