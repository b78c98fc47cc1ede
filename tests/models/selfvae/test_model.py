"""selfVAE: its terms, its codes, and what each use of it takes from an image."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from small_selfvae import LATENT, SHAPE, THREE, TWO, N, chain, images, seeded
from torch import Tensor

from models.noise import Noise
from models.selfvae.model import SelfVAE, SelfVAEConfig
from models.selfvae.modes import RECONSTRUCTION_MODES

# The terms, to the evaluation


@pytest.mark.parametrize("transformations", [TWO, THREE, ("sketch",)])
def test_the_terms_are_those_of_the_code(transformations: tuple[str, ...]) -> None:
    """Named terms, the house's two terms, ln w of codes and importance weights are one number, seen four ways."""
    model, x = chain(transformations), images(N)
    n = len(transformations)
    with torch.no_grad():
        terms = model.level_terms(x, seeded(3))
        assert list(terms) == [
            *("distortion_x", *(f"distortion_y{i + 1}" for i in range(n))),
            *(f"kl_z{i + 1}" for i in range(n)),
            "kl_u",
        ]
        total = torch.stack(list(terms.values())).sum(0)
        two = model.elbo_terms(x, seeded(3))
        assert torch.allclose(two["distortion"] + two["kl"], total, rtol=1e-5)
        assert torch.equal(two["distortion"], terms["distortion_x"])
        q = model.posterior(x)
        code = q.rsample(1, seeded(3))
        log_w = model.log_likelihood(x, code[:, 0]) + (model.prior.log_prob(code) - q.log_prob(code))[:, 0]
        assert torch.allclose(-log_w, total, rtol=1e-4)
        assert torch.allclose(model.importance_log_weights(x, 1, seeded(3))[:, 0], -total, rtol=1e-5)
        assert code.shape == (N, 1, model.code_size)


def test_a_code_holds_every_part_in_its_place() -> None:
    model, x = chain(THREE), images(N)
    assert list(model.layout) == ["u", "y2", "z2", "y1", "z1"]
    q = model.posterior(x)
    parts = model.split(q.mean)
    assert torch.equal(parts["y1"], model.levels(x)[1])
    assert torch.equal(parts["y2"], model.levels(x)[2])
    assert torch.equal(parts["u"], q.latents["u"].mean)
    assert torch.equal(torch.cat([parts[name].flatten(1) for name in model.names], 1), q.mean)


def test_generated_codes_are_generated_in_order() -> None:
    """Each compressed image of a drawn code is the mean of its law, given what was drawn before it."""
    model = chain(THREE)
    with torch.no_grad():
        parts = model.split(model.prior.sample(5, seeded(0)))
        y_2 = model.decoder.image(2, None, parts["u"]).mean
        y_1 = model.decoder.image(1, parts["y2"], parts["z2"]).mean
    for made, mean in ((parts["y2"], y_2), (parts["y1"], y_1)):
        assert float((made - mean).abs().max()) <= 0.5 / 255 + 1e-6
        assert torch.allclose(255 * made, (255 * made).round(), atol=1e-4)
    assert model.sample(5, seeded(0)).shape == (5, *SHAPE)


# Uses

# What reconstructions depend on, of the image's own: its latents' posteriors and its compressed image.
TAKEN = {
    "OG": {"x"},
    "CM": {"y1"},
    "RS1": {"u"},
    "RS2": {"u", "z1"},
    "CG": {"u", "y1"},
    "conditional": {"y1", "z1"},  # u is sent with y, but y itself is seen
}


def with_own(model: SelfVAE, change: str | None) -> Callable[..., Any]:
    """The model's own parts of an image with one of them perturbed."""
    own = type(model).own

    def changed(x: Tensor, generator: Noise = None) -> dict[str, Tensor]:
        parts = own(model, x, generator)
        if change is not None:
            parts[change] = 1 - parts[change] if change[0] in "xy" else parts[change] + 3
        return parts

    return changed


@pytest.mark.parametrize("mode", RECONSTRUCTION_MODES)
def test_a_mode_takes_exactly_what_the_paper_says(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = chain(), images(N)

    def made(change: str | None) -> Tensor:
        monkeypatch.setattr(model, "own", with_own(model, change), raising=False)
        with torch.no_grad():
            return model.reconstruct_as(x, mode, seeded(0))

    plain = made(None)
    for part in ("x", "y1", "u", "z1"):
        assert torch.equal(plain, made(part)) != (part in TAKEN[mode]), part


@pytest.mark.parametrize("transformations", [TWO, THREE])
def test_the_compressed_image_is_given_back_by_u_alone(
    transformations: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = chain(transformations), images(N)
    last = len(transformations)
    with torch.no_grad():
        u = model.own(x, seeded(0))["u"]
        mean = model.decoder.image(last, None, u).mean
        plain = model.compressed_from_u(x, seeded(0))
        assert plain.shape == model.levels(x)[-1].shape
        assert float((plain - mean).abs().max()) <= 0.5 / 255 + 1e-6  # on 256 levels
        for part in ("x", f"y{last}", "z1", "u"):
            monkeypatch.setattr(model, "own", with_own(model, part), raising=False)
            assert torch.equal(model.compressed_from_u(x, seeded(0)), plain) == (part != "u"), part


def test_the_modes_are_compositions_of_the_conditionals() -> None:
    """Each written out by hand, with the same draws."""
    model, x = chain(), images(N)
    decoder, (_, y) = model.decoder, model.levels(x)
    with torch.no_grad():
        own = model.own(x, seeded(0))
        u, z = own["u"], own["z1"]
        y_hat = model.walk({"u": u}, to_x=False).parts["y1"]

        def drawn(seen: Tensor) -> Tensor:
            generator = seeded(0)
            model.own(x, generator)  # what was drawn before
            return decoder.latent(1, seen, u).rsample(1, generator)[:, 0]

        expected = {
            "OG": x,
            "CM": y,
            "RS1": decoder.image(0, y_hat, drawn(y_hat)).mean,
            "RS2": decoder.image(0, y_hat, z).mean,
            "CG": decoder.image(0, y, drawn(y)).mean,
            "conditional": decoder.image(0, y, z).mean,
        }
        for mode, image in expected.items():
            assert torch.equal(model.reconstruct_as(x, mode, seeded(0)), image), mode
    assert expected.keys() == RECONSTRUCTION_MODES.keys()


def test_information_is_the_nats_of_what_is_sent() -> None:
    model, x = chain(), images(N)
    with torch.no_grad():
        bits = model.information(x, seeded(3))
        terms = {name: term / math.log(2) for name, term in model.level_terms(x, seeded(3)).items()}
        own, q = model.own(x, seeded(3)), model.posterior(x).latents["z1"]
        y_hat = model.walk({"u": own["u"]}, to_x=False).parts["y1"]
        p = model.decoder.latent(1, y_hat, own["u"])
        of_z = (q.log_prob(own["z1"][:, None]) - p.log_prob(own["z1"][:, None]))[:, 0] / math.log(2)
    sent = {
        "RS1": terms["kl_u"],
        "RS2": terms["kl_u"] + of_z,
        "CM": terms["kl_u"] + terms["distortion_y1"],
        "CG": terms["kl_u"] + terms["distortion_y1"],
        "conditional": terms["kl_u"] + terms["distortion_y1"] + terms["kl_z1"],
        "OG": torch.stack(list(terms.values())).sum(0),
    }
    assert bits.keys() == sent.keys()
    for mode, expected in sent.items():
        assert torch.allclose(bits[mode], expected, rtol=1e-4, atol=1e-3), mode


@pytest.mark.parametrize("transformations", [TWO, THREE, ("grey",), ("sketch",)])
@pytest.mark.parametrize("colours", [1, 3])
def test_every_use_gives_images(transformations: tuple[str, ...], colours: int) -> None:
    shape = (colours, 8, 8)
    model = chain(transformations, input_dim=shape, reconstruction_loss="logistic-mixture", prior={"kind": "realnvp"})
    x = images(N, *shape)
    with torch.no_grad():
        last = model.levels(x)[-1]
        made = {
            "modes": torch.cat([model.reconstruct_as(x, m) for m in RECONSTRUCTION_MODES if m != "CM"]),
            "varied": model.vary_z(x, 3).flatten(0, 1),
            "ways": model.interpolate_u(x, x.flip(0), 5).flatten(0, 1),
            "resolved": model.super_resolve(last, 2).flatten(0, 1),
        }
        assert model.reconstruct_as(x, "CM").shape == last.shape
        assert all(bits.shape == (N,) and bits.isfinite().all() for bits in model.information(x).values())
    for name, pictures in made.items():
        assert pictures.shape[1:] == shape, name
        assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1


def test_super_resolution_sees_the_compressed_image_alone() -> None:
    model, x = chain(), images(N)
    y = model.levels(x)[1]
    with torch.no_grad():
        made = model.super_resolve(y, 3, seeded(0))
        u = model.encoder.latent(2, y).rsample(3, generator := seeded(0)).flatten(0, 1)
        z = model.decoder.latent(1, y.repeat_interleave(3, 0), u).rsample(1, generator)[:, 0]
        assert torch.equal(made.flatten(0, 1), model.decoder.image(0, y.repeat_interleave(3, 0), z).mean)
    assert not torch.equal(made[:, 0], made[:, 1])


def test_a_way_through_u_ends_at_the_images_own_and_moves_nothing_else() -> None:
    model, x = chain(), images(2)
    with torch.no_grad():
        way = model.interpolate_u(x[:1], x[1:], 7)[0]
        u = model.posterior(x).latents["u"].mean
        ends = model.walk({"u": u}, noise=False).parts["x"]
    assert torch.allclose(way[[0, -1]], ends, atol=1e-6)
    assert torch.equal(way, model.interpolate_u(x[:1], x[1:], 7)[0])  # nothing is drawn


def test_variations_share_u_and_differ_in_z() -> None:
    model, x = chain(), images(N)
    with torch.no_grad():
        varied = model.vary_z(x, 4, seeded(0))
        u = model.posterior(x).latents["u"].mean
        y = model.walk({"u": u}, to_x=False).parts["y1"]
        z = model.decoder.latent(1, y.repeat_interleave(4, 0), u.repeat_interleave(4, 0)).rsample(1, seeded(0))[:, 0]
        assert torch.allclose(varied.flatten(0, 1), model.decoder.image(0, y.repeat_interleave(4, 0), z).mean)
    assert not torch.equal(varied[:, 0], varied[:, 1])


# Configurations


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"transformations": ()}, "at least one"),
        ({"transformations": ("blur",)}, "transformations"),
        ({"prior": {"kind": "vamp"}}, "pseudo-inputs"),
        ({"reconstruction_loss": "gaussian"}, "reconstruction_loss"),
        ({"network": {"q_u": (0, 1)}}, "positive"),
    ],
)
def test_what_cannot_be_is_refused_in_a_configuration(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SelfVAEConfig(input_dim=SHAPE, latent_dim=LATENT, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"input_dim": (1, 10, 10)}, "cannot be halved 2 times"),
        ({"latent_dim": 15}, "no maps of 2 x 2"),
        ({"transformations": ("downscale",) * 3}, "2 downs are too few"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(fields: dict[str, Any], message: str) -> None:
    settings = {"input_dim": SHAPE, "latent_dim": LATENT, **fields}
    with pytest.raises(ValueError, match=message):
        SelfVAE(SelfVAEConfig(**settings))
