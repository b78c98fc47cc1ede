"""The symmetric models of colour images: the networks of Tables 4 and 5, noise, absolute errors, and training."""

import math
from typing import Any

import pytest
import torch

from bench.runs.cost import refuse_impossible
from bench.study.suite import Run, expand, load
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.noise import Recorder
from models.training import Batch

SHAPE = (3, 8, 8)
NETWORK = {
    "encoder_channels": (4, 8),
    "encoder_hidden": (16,),
    "decoder_channels": (4, 8),
    "discriminator_channels": (4, 8),
    "discriminator_code": 8,
    "noise": 2,
}
NAMES = ("ColourSymmetricVAE", "ColourSymmetricVAER", "ColourALI", "ColourALICE", "ColourGAN", "ColourWGAN")
SUITES = {"svae-cifar10": (3, 32, 32), "svae-cifar10-lambda": (3, 32, 32), "svae-celeba": (3, 64, 64)}


def build(name: str, seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    kind = MODELS[name].resolve()
    return kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=NETWORK, **options))


def images(n: int = 6) -> torch.Tensor:
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(1))


def runs_of(name: str, preset: str) -> list[Run]:
    return expand(load(name, preset), name, preset, seeds=[0], shape=SUITES[name])


def shapes_of(name: str, suite: str, preset: str = "paper") -> dict[str, list[tuple[int, ...]]]:
    """The shapes of the weights of the first run of a suite's preset, by part, norms left out."""
    run = runs_of(suite, preset)[0]
    kind = MODELS[name].resolve()
    with torch.device("meta"):
        model = kind(kind.config_class(input_dim=SUITES[suite], latent_dim=run.latent_dim, network=run.network))
    parts = {part: getattr(model, part) for part in ("encoder", "decoder", "discriminator")}
    return {part: [tuple(p.shape) for p in net.parameters() if p.ndim > 1] for part, net in parts.items()}


def test_the_networks_are_those_of_table_5_on_cifar10() -> None:
    found = shapes_of("ColourSymmetricVAER", "svae-cifar10")
    assert found["encoder"] == [
        *((32, 4, 5, 5), (64, 32, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5)),  # a channel of noise comes in
        *((512, 256 * 4), (256, 512)),
    ]
    assert found["decoder"] == [(8192, 256 + 20), (512, 256, 5, 5), (256, 128, 5, 5), (128, 3, 5, 5)]
    assert found["discriminator"] == [
        *((64, 3, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5)),
        *((512, 256), (1, 512 * 4 + 512)),
    ]
    code = shapes_of("ColourSymmetricVAER", "svae-cifar10", "code")
    assert code["encoder"] == found["encoder"] and code["decoder"] == found["decoder"]
    assert code["discriminator"] == [
        *((64, 4, 5, 5), (128, 64, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5)),
        *((512, 256 + 20), (1, 512 + 512)),  # 2 x 2 places averaged to one
    ]


def test_the_paper_prints_noise_in_encoder_and_decoder_alone_and_no_law_of_it() -> None:
    """There it is normal, as nothing is printed; ALICE's code has U(-1, 1) in the critic too."""
    paper, code = (runs_of("svae-cifar10", preset)[0].network for preset in ("paper", "code"))
    assert (paper.noise_law, paper.critic_noise, paper.critic_pool) == ("normal", False, False)
    assert (code.noise_law, code.critic_noise, code.critic_pool) == ("uniform", True, True)
    kind = MODELS["ColourALICE"].resolve()
    network = NETWORK | {"noise_law": "normal", "critic_noise": False, "critic_pool": False}
    model = kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=network)).eval()
    recorder = Recorder(torch.Generator().manual_seed(0))
    model.critic_terms(Batch(images(4)), recorder)
    assert [tuple(draw) for draw in recorder.requests] == [
        ("normal", (4, 1, 8, 8)),
        ("uniform", (4, 3)),  # z of the prior
        ("normal", (4, 2)),
    ]


def test_the_networks_are_those_of_table_4_on_celeba() -> None:
    found = shapes_of("ColourALICE", "svae-celeba")
    assert found["encoder"] == [
        *((32, 4, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4)),
        *((512, 512 * 4), (64, 512)),
    ]
    convolutions = [(512, 256, 5, 5), (256, 128, 5, 5), (128, 64, 5, 5), (64, 3, 5, 5)]
    assert found["decoder"] == [(1024, 64 + 20), (8192, 1024), *convolutions]
    assert found["discriminator"][-2:] == [(2048, 64), (1, 512 * 16 + 2048)]
    assert shapes_of("ColourALICE", "svae-celeba", "code")["discriminator"][-2:] == [
        *((2048, 64 + 20), (1, 2048 + 2048)),
    ]


@pytest.mark.parametrize("preset", ["small", "paper", "code"])
@pytest.mark.parametrize("name", SUITES)
def test_the_suites_models_can_be_built(name: str, preset: str) -> None:
    runs = runs_of(name, preset)
    refuse_impossible(runs, SUITES[name])
    assert len({run.id for run in runs}) == len(runs)


def test_lambda_runs_over_the_grid_of_alices_code() -> None:
    weights = [run.options["reconstruction_weight"] for run in runs_of("svae-cifar10-lambda", "paper")]
    grid = [0, 1e-6, 1e-4, 0.01, 0.1, 0.5, 1, 5, 10, 50, 100, 1000]
    assert weights == grid * 2
    assert all(float(run.row.split()[-1]) == run.options["reconstruction_weight"] for run in runs_of(*LAMBDA))


LAMBDA = ("svae-cifar10-lambda", "small")


def test_the_code_trains_celebas_critic_twice_a_batch() -> None:
    assert all(run.options["steps"] == [2, 1] for run in runs_of("svae-celeba", "code"))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_moves_what_it_owns_and_nothing_else(name: str) -> None:
    model, batch = build(name).train(), Batch(images())
    steps = {step.name: step for step in model.steps()}
    owned = [{id(p) for p in step.parameters} for step in steps.values()]
    assert not owned[0] & owned[1] and owned[0] | owned[1] == {id(p) for p in model.parameters()}
    for step in steps.values():
        gradients = torch.autograd.grad(step.loss(batch, None), step.parameters, allow_unused=True)
        assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    others = [p for p in model.parameters() if id(p) not in owned[0]]
    loss = steps["discriminator"].loss(batch, None)
    assert all(g is None for g in torch.autograd.grad(loss, others, allow_unused=True))


def test_noise_enters_all_three_networks_and_is_uniform() -> None:
    model = build("ColourALI").eval()
    recorder = Recorder(torch.Generator().manual_seed(0))
    model.critic_terms(Batch(images(4)), recorder)
    assert {draw.kind for draw in recorder.requests} == {"uniform"}
    assert [draw.shape for draw in recorder.requests] == [
        (4, 1, 8, 8),  # the encoder's channel
        (4, 3),  # z of the prior
        (4, 2),  # beside z in the decoder
        (8, 1, 8, 8),  # beside x, of both kinds of pairs, in the discriminator
        (8, 2),  # and beside z
    ]
    z = model.prior.sample(4000, torch.Generator().manual_seed(0))
    assert float(z.min()) < -0.99 and float(z.max()) > 0.99 and float(z.abs().max()) <= 1
    assert float(model.prior.log_prob(z)[0]) == pytest.approx(-3 * math.log(2))
    assert bool((model.embed(images()).abs() < 1).all())  # codes are in the prior's box


def test_samples_have_the_decoders_noise_and_decoding_has_none() -> None:
    model = build("ColourALICE").eval()
    z = model.prior.sample(5)
    assert torch.equal(model.decode(z), model.decode(z))
    first, same, other = (model.decode_drawn(z, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(first, same) and not torch.equal(first, other)


def test_errors_are_mean_absolute_differences_with_pixels_between_minus_one_and_one() -> None:
    model, x = build("ColourSymmetricVAER").eval(), images()
    with torch.no_grad():
        z = model.embed(x)
        drawn = model.decoder.draw(z, torch.Generator().manual_seed(0))
        found = model.decoder.error(x, z, torch.Generator().manual_seed(0))
        torch.testing.assert_close(found, ((2 * x - 1) - (2 * drawn - 1)).abs().mean((1, 2, 3)))
        code = model.encoder.draw(x, torch.Generator().manual_seed(0))
        torch.testing.assert_close(
            model.encoder.error(z, x, torch.Generator().manual_seed(0)), (z - code).abs().mean(1)
        )


def test_several_values_of_lambda_trained_together_equal_separate_runs() -> None:
    data = ImageTensors(images(40), torch.zeros(40, dtype=torch.long))
    config: dict[str, Any] = {
        "num_epochs": 2,
        "per_device_train_batch_size": 16,
        "scheduler_cls": None,
        "no_cuda": True,
    }
    rows = [("ColourALICE", 0.0), ("ColourALICE", 1.0), ("ColourSymmetricVAER", 0.1)]

    def model(row: tuple[str, float]) -> Any:
        return build(row[0], seed=3, reconstruction_weight=row[1])

    group = Trainer([model(row) for row in rows], data, data, [TrainerConfig(**config, seed=3) for _ in rows])
    group.train()
    for row, stacked in zip(rows, group.models, strict=True):
        alone = Trainer(model(row), data, data, TrainerConfig(**config, seed=3))
        alone.train()
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(stacked.state_dict()[key], tensor, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("plain", "regularised"), [NAMES[:2], NAMES[2:4]])
def test_without_lambda_the_regularised_model_is_trained_as_the_plain_one_to_the_bit(
    plain: str, regularised: str
) -> None:
    data, tensors = ImageTensors(images(40), torch.zeros(40, dtype=torch.long)), []
    for model in (build(plain), build(regularised, reconstruction_weight=0.0)):
        config = TrainerConfig(num_epochs=2, per_device_train_batch_size=16, scheduler_cls=None, no_cuda=True)
        trainer = Trainer(model, data, data, config)
        trainer.train()
        tensors.append(trainer.model.state_dict())
    assert all(torch.equal(tensors[1][name], tensor) for name, tensor in tensors[0].items())


def test_what_networks_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match="encoder_kernel"):
        build("ColourALI").model_config.network.__class__(encoder_kernel=3)
    with pytest.raises(ValueError, match="noise"):
        build("ColourALI").model_config.network.__class__(noise=0)
