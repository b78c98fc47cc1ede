"""ALI, ALICE, sVAE and sVAE-r: their losses in closed form, who is moved by which step, and training."""

import itertools
from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.training.trainer import Diverged, ImageTensors, Trainer, TrainerConfig
from models import MODELS
from models.noise import Recorder
from models.svae.losses import ali_terms, discriminator_terms, literal_ali_terms, symmetric_terms
from models.svae.model import still
from models.training import Batch

SHAPE = (1, 8, 8)
NETWORK = {
    "encoder_channels": (4, 8),
    "encoder_hidden": (16,),
    "decoder_channels": (8, 8),
    "decoder_hidden": (16,),
    "discriminator_channels": (4, 8),
    "discriminator_code": 8,
}
PLANE = {"encoder": (16,), "decoder": (16, 16), "discriminator": (16,)}
IMAGES = ("SymmetricVAE", "SymmetricVAER", "ALI", "ALICE", "BidirectionalSymmetricVAER", "GAN", "WGAN", "AVB")
POINTS = ("PlaneSymmetricVAE", "PlaneSymmetricVAER", "PlaneALI", "PlaneALICE")


def build(name: str, seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    kind = MODELS[name].resolve()
    if name in IMAGES:
        return kind(kind.config_class(input_dim=SHAPE, latent_dim=3, network=NETWORK, **options))
    return kind(kind.config_class(input_dim=(1, 1, 2), network=PLANE, **options))


def batch(name: str, n: int = 6) -> Batch:
    shape = SHAPE if name in IMAGES else (1, 1, 2)
    return Batch(torch.rand(n, *shape, generator=torch.Generator().manual_seed(1)))


# Two joint densities over four pairs (x, z): p of the decoder, q of the encoder.
P, Q = (torch.tensor(p, dtype=torch.float64) for p in ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]))


def expected(terms: dict[str, Tensor]) -> Tensor:
    """The sum of the terms' means over all pairs: of the encoder's under q, of the decoder's under p."""
    return sum((Q if "encoder" in name else P) @ term for name, term in terms.items())  # type: ignore[return-value]


def test_the_critics_loss_is_least_at_the_log_ratio() -> None:
    f = (P / Q).log().requires_grad_()
    (slope,) = torch.autograd.grad(expected(discriminator_terms(f, f)), f)  # the loss is convex in f
    torch.testing.assert_close(slope, torch.zeros_like(f), rtol=0, atol=1e-15)


def test_at_the_log_ratio_the_symmetric_loss_is_the_symmetric_divergence() -> None:
    f = (P / Q).log()
    torch.testing.assert_close(expected(symmetric_terms(f, f)), Q @ (Q / P).log() + P @ (P / Q).log())


def test_of_two_gaussians_the_loss_at_the_log_ratio_is_their_symmetric_divergence() -> None:
    # q = N(0, 1) and p = N(m, 1): ln p - ln q = m u - m^2 / 2, and KL(q || p) + KL(p || q) = m^2.
    m, noise = 1.5, torch.randn(400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    terms = symmetric_terms(m * noise - m**2 / 2, m * (m + noise) - m**2 / 2)
    values = torch.stack(list(terms.values())).sum(0)
    assert abs(float(values.mean()) - m**2) < 4 * float(values.std()) / len(values) ** 0.5 + 1e-9


def test_a_trained_critic_approaches_the_log_ratio_of_two_gaussians() -> None:
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 1e-2 * (1 - step / 300)
        q, p = torch.randn(1024, 1, generator=generator), 1 + torch.randn(1024, 1, generator=generator)
        terms = discriminator_terms(critic(q)[:, 0], critic(p)[:, 0])
        optimiser.zero_grad()
        sum(t.mean() for t in terms.values()).backward()  # type: ignore[union-attr]
        optimiser.step()
    at = torch.linspace(-1, 2, 13)[:, None]
    assert float((critic(at).detach() - (at - 0.5)).abs().max()) < 0.2  # the ratio runs from -1.5 to 1.5


def test_ali_is_the_symmetric_loss_with_f_replaced_by_log_sigmoid_of_f() -> None:
    f, g = torch.randn(2, 50, generator=torch.Generator().manual_seed(0))
    exact, ali = symmetric_terms(nn.functional.logsigmoid(f), -nn.functional.logsigmoid(-g)), ali_terms(f, g)
    for kind in ("encoder", "decoder"):
        torch.testing.assert_close(ali[f"ali_of_{kind}"], exact[f"ratio_of_{kind}"])


def test_each_loss_gives_each_kind_of_pair_its_own_sign() -> None:
    f, g = torch.tensor([1.0]), torch.tensor([2.0])
    softplus = nn.functional.softplus
    for terms, encoder, decoder in (
        (discriminator_terms(f, g), softplus(f), softplus(-g)),
        (symmetric_terms(f, g), -f, g),
        (ali_terms(f, g), softplus(-f), softplus(g)),
        (literal_ali_terms(f, g), -softplus(f), -softplus(-g)),
    ):
        of_encoder, of_decoder = terms
        assert of_encoder.endswith("of_encoder") and of_decoder.endswith("of_decoder")
        torch.testing.assert_close(terms[of_encoder], encoder)
        torch.testing.assert_close(terms[of_decoder], decoder)


class Known(nn.Module):
    """A critic that is a known function of both parts of a pair."""

    def forward(self, x: Tensor, z: Tensor, generator: Any = None) -> Tensor:
        return 3 * x.flatten(1).mean(1) + z.square().sum(1)


@pytest.mark.parametrize("name", ["SymmetricVAER", "BidirectionalSymmetricVAER", "PlaneALICE"])
def test_the_critic_sees_images_with_their_codes_and_codes_with_their_images(name: str) -> None:
    model, x = build(name).eval(), batch(name).x
    model.discriminator = Known()
    z_of_x, z, x_of_z = model.pairs(x, torch.Generator().manual_seed(2))
    f, g = Known()(x, z_of_x), Known()(x_of_z, z)
    for terms, wanted in (
        (model.critic_terms, discriminator_terms(f, g)),
        (model.fooling_terms, symmetric_terms(f, g) | ali_terms(f, g)),
    ):
        found = terms(batch(name), torch.Generator().manual_seed(2))
        for key, value in wanted.items():
            torch.testing.assert_close(found[key], value, msg=key)


@pytest.mark.parametrize("name", IMAGES + POINTS)
def test_a_step_moves_what_it_owns_and_nothing_else(name: str) -> None:
    model = build(name).train()
    steps = {step.name: step for step in model.steps()}
    assert list(steps) == ["discriminator", "autoencoder"]
    owned = [{id(p) for p in step.parameters} for step in steps.values()]
    assert not owned[0] & owned[1]
    assert owned[0] | owned[1] == {id(p) for p in model.parameters()}
    assert [len(step.parameters) for step in steps.values()] == [len(ids) for ids in owned]  # a shared tensor once
    for step in steps.values():
        gradients = torch.autograd.grad(step.loss(batch(name), None), step.parameters, allow_unused=True)
        assert all(g is not None and torch.isfinite(g).all() for g in gradients)
    critic = steps["discriminator"].loss(batch(name), None)
    others = [p for p in model.parameters() if id(p) not in owned[0]]
    assert all(g is None for g in torch.autograd.grad(critic, others, allow_unused=True))


@pytest.mark.parametrize("name", ["SymmetricVAER", "PlaneALICE"])
def test_both_errors_reach_encoder_and_decoder(name: str) -> None:
    model = build(name).train()
    terms = model.fooling_terms(batch(name))
    for error, part in itertools.product(("error_of_x", "error_of_z"), (model.encoder, model.decoder)):
        gradients = torch.autograd.grad(
            terms[error].sum(), list(part.parameters()), retain_graph=True, allow_unused=True
        )
        assert any(g is not None and bool(g.abs().sum() > 0) for g in gradients), (error, part)


def test_the_errors_are_the_negative_log_densities() -> None:
    model, x = build("SymmetricVAER").eval(), batch("SymmetricVAER").x
    z = model.embed(x)
    torch.testing.assert_close(model.decoder.error(x, z), -model.log_likelihood(x, z))
    torch.testing.assert_close(model.encoder.error(z, x), -model.posterior(x).log_prob(z[:, None])[:, 0])


@pytest.mark.parametrize(("kind", "sum_of"), [("SymmetricVAE", "ratio"), ("ALI", "ali")])
def test_a_model_minimises_the_terms_of_its_own_game(kind: str, sum_of: str) -> None:
    model = build(kind).eval()
    terms = model.fooling_terms(batch(kind), torch.Generator().manual_seed(0))
    own = sum(term.mean() for name, term in terms.items() if name.startswith(sum_of))
    torch.testing.assert_close(model.loss(terms), own)


PAIRED = [
    ("SymmetricVAE", "SymmetricVAER"),
    ("ALI", "ALICE"),
    ("PlaneALI", "PlaneALICE"),
    ("PlaneSymmetricVAE", "PlaneSymmetricVAER"),
]


@pytest.mark.parametrize(("plain", "regularised"), PAIRED)
def test_without_lambda_the_regularised_model_is_trained_as_the_plain_one_to_the_bit(
    plain: str, regularised: str
) -> None:
    x = batch(plain, 40).x
    data = ImageTensors(x, torch.zeros(len(x), dtype=torch.long))
    found = []
    for model in (build(plain), build(regularised, reconstruction_weight=0.0)):
        trainer = Trainer(model, data, data, settings(3))
        trainer.train()
        found.append((trainer.history["train_loss"], trainer.model.state_dict()))
    (losses, tensors), (again, others) = found
    assert losses == again
    assert all(torch.equal(others[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("name", ["SymmetricVAER", "BidirectionalSymmetricVAER", "PlaneALICE"])
def test_the_errors_take_no_noise_of_their_own_and_move_no_statistic(name: str) -> None:
    model, recorder = build(name).train(), Recorder(torch.Generator().manual_seed(0))
    model.pairs(batch(name).x, recorder)
    of_pairs, before = list(recorder.requests), {k: v.clone() for k, v in model.named_buffers()}
    recorder.requests.clear()
    with still(model):
        model.fooling_terms(batch(name), recorder)
    assert recorder.requests == of_pairs
    assert all(torch.equal(value, before[k]) for k, value in model.named_buffers())
    model.pairs(batch(name).x)
    assert name.startswith("Plane") or any(not torch.equal(v, before[k]) for k, v in model.named_buffers())


@pytest.mark.parametrize("name", ["GAN", "WGAN"])
def test_of_the_decoder_alone_the_critic_judges_images_and_the_encoder_has_no_part_in_the_game(name: str) -> None:
    model = build(name).eval()
    z_of_x, z, x_of_z = model.pairs(batch(name).x, torch.Generator().manual_seed(0))
    f, g = model.critic(batch(name).x, z_of_x, x_of_z, z)
    again = model.critic(batch(name).x, z_of_x + 1, x_of_z, z - 2)
    assert torch.equal(f, again[0]) and torch.equal(g, again[1])
    noise = torch.Generator().manual_seed(0)
    terms = model.fooling_terms(batch(name), noise)
    expected = {"GAN": nn.functional.softplus(g), "WGAN": g}[name].mean()
    torch.testing.assert_close(model.loss(terms), expected - model.posterior(x_of_z).log_prob(z[:, None]).mean())
    decoder, encoder = (list(part.parameters()) for part in (model.decoder, model.encoder))
    game = model.loss({k: v for k, v in terms.items() if k != "error_of_z"})
    assert all(
        p is None or not p.any() for p in torch.autograd.grad(game, encoder, retain_graph=True, allow_unused=True)
    )
    assert any(p.any() for p in torch.autograd.grad(game, decoder, retain_graph=True))
    assert all(p is None for p in torch.autograd.grad(terms["error_of_z"].mean(), decoder, allow_unused=True))


def test_a_wasserstein_critic_minimises_the_difference_of_means_and_half_the_square_of_its_weights() -> None:
    model = build("WGAN", critic_decay=0.3).eval()
    terms = model.critic_terms(batch("WGAN"), torch.Generator().manual_seed(0))
    z_of_x, z, x_of_z = model.pairs(batch("WGAN").x, torch.Generator().manual_seed(0))
    f, g = model.critic(batch("WGAN").x, z_of_x, x_of_z, z)
    size = sum(float(p.detach().square().sum()) for p in model.discriminator.parameters()) / 2
    assert float(model.loss(terms)) == pytest.approx(float((f - g).mean()) + 0.3 * size, rel=1e-5)


def test_of_the_encoder_alone_the_critic_judges_codes_of_the_same_images_and_the_loss_is_the_elbos() -> None:
    """At f = ln p(z) - ln q(z|x) the loss is -ln p(x|z) + KL (Mescheder et al. 2017)."""
    model, x = build("AVB").eval(), batch("AVB", 4000).x

    class Best(nn.Module):
        def forward(self, x: Tensor, z: Tensor, generator: Any = None) -> Tensor:
            return model.prior.log_prob(z) - model.posterior(x).log_prob(z[:, None])[:, 0]

    model.discriminator = Best()
    with torch.no_grad():
        found = float(model.loss(model.fooling_terms(Batch(x), torch.Generator().manual_seed(0))))
        bound = model.elbo_terms(x, torch.Generator().manual_seed(0))
    assert found == pytest.approx(float((bound["kl"] + bound["distortion"]).mean()), abs=0.1)
    z_of_x, z, x_of_z = model.pairs(x, torch.Generator().manual_seed(0))
    assert torch.equal(model.critic(x, z_of_x, x_of_z, z)[1], Best()(x, z))


def test_table_3_is_the_default_network() -> None:
    kind = MODELS["SymmetricVAER"].resolve()
    with torch.device("meta"):
        model = kind(kind.config_class(input_dim=(1, 28, 28), latent_dim=50))
    shapes = {tuple(p.shape) for p in model.parameters()}
    assert {(16, 1, 5, 5), (32, 16, 5, 5), (784, 1568), (50, 784)} <= shapes  # encoder
    assert {(1024, 50), (3136, 1024)} <= {shape[::-1] for shape in shapes} | shapes  # decoder, 64 x 7 x 7
    assert {(64, 64, 5, 5), (64, 1, 5, 5)} <= shapes
    assert {(32, 1, 5, 5), (64, 32, 5, 5), (128, 64, 5, 5), (1024, 50), (1, 128 * 16 + 1024)} <= shapes  # critic


def settings(seed: int, **more: Any) -> TrainerConfig:
    known = {"num_epochs": 2, "per_device_train_batch_size": 16, "scheduler_cls": None, "no_cuda": True}
    return TrainerConfig(**known | more, seed=seed)


@pytest.mark.parametrize("steps", [(1, 1), (3, 1), (1, 3)])
def test_models_of_one_shape_trained_together_equal_separate_runs(steps: tuple[int, int]) -> None:
    points = torch.randn(40, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    data = ImageTensors(points, torch.zeros(40, dtype=torch.long))
    rows = [("PlaneALICE", 0.01), ("PlaneALICE", 0.1), ("PlaneSymmetricVAER", 0.1)]

    def model(row: tuple[str, float]) -> Any:
        return build(row[0], seed=3, reconstruction_weight=row[1], steps=steps)

    group = Trainer([model(row) for row in rows], data, data, [settings(3) for _ in rows])
    group.train()
    for row, stacked, history in zip(rows, group.models, group.histories, strict=True):
        alone = Trainer(model(row), data, data, settings(3))
        alone.train()
        torch.testing.assert_close(history["train_loss"], alone.history["train_loss"], rtol=0, atol=1e-5)
        for key, tensor in alone.model.state_dict().items():
            torch.testing.assert_close(stacked.state_dict()[key], tensor, rtol=0, atol=1e-5)
    assert len({str(history["train_loss"]) for history in group.histories}) == len(rows)


def test_a_repeated_step_goes_on_with_one_optimiser() -> None:
    data = ImageTensors(torch.randn(32, 1, 1, 2), torch.zeros(32, dtype=torch.long))
    trainer = Trainer(build("PlaneALI", steps=(3, 1)), data, None, settings(0, scheduler_cls="OneCycleLR"))
    trainer.train()
    counts = {
        name: int(next(iter(o.optimizer.state.values()))["step"]) for name, o in trainer.engine.optimisers.items()
    }
    assert counts == {"discriminator": 3 * 2 * 2, "autoencoder": 2 * 2}


def test_divergence_ends_as_a_status_alone_and_together() -> None:
    data = ImageTensors(torch.randn(64, 1, 1, 2), torch.zeros(64, dtype=torch.long))
    wild = settings(0, num_epochs=20, learning_rate=1e3)
    with pytest.raises(Diverged, match="not finite"):
        Trainer(build("PlaneSymmetricVAE"), data, None, wild).train()
    group = Trainer([build("PlaneSymmetricVAE"), build("PlaneALI")], data, data, [wild, wild])
    with suppress(Diverged):  # of both
        group.train()
    assert group.diverged[0] is not None


@pytest.mark.parametrize("name", ["SymmetricVAER", "PlaneALI"])
def test_networks_from_outside_and_steps_of_none_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="takes none"):
        type(build(name))(build(name).model_config, nn.Identity())
    with pytest.raises(ValueError, match="at least 1"):
        build(name, steps=(0, 1))
