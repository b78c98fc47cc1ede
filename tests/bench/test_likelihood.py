"""Likelihood estimates on linear-Gaussian VAEs, where log p(x) is known."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from linear_vae import D, L, N, linear_vae
from pythae import models as pythae

from bench import likelihood
from bench.likelihood import neg_elbo, nll, rows_at_once
from models.distributions.densities import Bernoulli, BernoulliMeans, UnitGaussian
from models.objectives import importance_weighted_terms

ROOT = Path(__file__).parents[2]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_estimate_is_exact_when_q_is_the_posterior() -> None:
    model, x, exact = linear_vae()
    for k in (1, 7):
        assert torch.allclose(nll(model, x, k, generator=generator()), exact, atol=1e-6)


def test_elbo_is_below_iw_bound_is_below_log_evidence() -> None:
    model, x, exact = linear_vae(wider=1.5)
    draws = [neg_elbo(model, x, generator=generator(s)) for s in range(200)]
    elbo = torch.stack(draws).mean(0)
    iw = torch.stack([nll(model, x, 10, generator=generator(s)) for s in range(200)]).mean(0)
    assert (elbo > iw + 0.05).all()
    assert iw.mean() > exact.mean()


def test_gap_of_the_elbo_is_the_divergence_of_q_from_the_posterior() -> None:
    model, x, exact = linear_vae(wider=1.0)
    elbo = torch.stack([neg_elbo(model, x, generator=generator(s)) for s in range(2000)]).mean()
    gap = L * 0.5 * (math.e - 1 - 1.0)  # KL of N(0, e s^2) from N(0, s^2), a unit each
    assert float(elbo - exact.mean()) == pytest.approx(gap, abs=0.02)


def test_nll_at_5000_samples_is_within_two_hundredths_of_a_nat() -> None:
    model, x, exact = linear_vae(wider=1.0)
    assert float(nll(model, x, 5000, generator=generator()).mean()) == pytest.approx(float(exact.mean()), abs=0.02)


@pytest.mark.parametrize("pixels", [1, 7 * D, 100 * D, 10**6])
def test_k_is_honoured_whatever_the_chunks_and_the_encoder_runs_once(
    pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "_PIXELS_AT_ONCE", pixels)
    model, x, _ = linear_vae(wider=1.0)
    for k in (1, 3, 50):
        model.encoder.calls, model.decoder.decoded = 0, []
        assert nll(model, x, k, generator=generator()).shape == (N,)
        assert model.encoder.calls == N
        assert sum(model.decoder.decoded) == N * k
        assert max(model.decoder.decoded) <= max(1, pixels // D)


def test_one_sample_is_the_weight_written_out() -> None:
    model, x, _ = linear_vae(wider=1.0)
    q = model.encoder(x)
    draws = likelihood.capable(model).posterior(x).rsample(1, generator())[:, 0]
    log_p = -0.5 * ((x - model.decoder(draws).reconstruction) ** 2 + math.log(2 * math.pi)).flatten(1).sum(1)
    codes = draws[:, None]
    by_hand = importance_weighted_terms(log_p[:, None], codes, q.embedding, q.log_covariance)["negative_bound"]
    assert torch.allclose(nll(model, x, 1, generator=generator()), by_hand)


PEAK = """
import sys
sys.path[:0] = sys.argv[1:3]
from linear_vae import linear_vae
from bench.likelihood import nll
from bench.perf.common import peak_mib

model, x, _ = linear_vae(wider=1.0)
nll(model, x, 10_000)
before = peak_mib()
nll(model, x, 100_000)
print(peak_mib() - before)
"""


def test_memory_does_not_grow_with_k() -> None:
    """Ten times the samples: their codes alone would take 37 MiB, their weights 18."""
    command = [sys.executable, "-c", PEAK, str(ROOT), str(ROOT / "tests" / "helpers")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 8


def test_chunks_are_sized_to_the_images() -> None:
    sides = [rows_at_once(torch.empty(1, 1, side, side)) for side in (8, 28, 64, 4096)]
    assert sides == sorted(sides, reverse=True) and sides[-1] == 1
    assert rows_at_once(torch.empty(1, 3, 32, 32)) * 3 * 32 * 32 <= likelihood._PIXELS_AT_ONCE
    assert rows_at_once(torch.empty(1, 1, 28, 28, device="meta")) > rows_at_once(torch.empty(1, 1, 28, 28))


def test_no_image_gives_no_estimate() -> None:
    model, x, _ = linear_vae()
    assert nll(model, x[:0], 3).shape == (0,)


@pytest.mark.parametrize("kind", [Bernoulli, BernoulliMeans, UnitGaussian])
def test_rows_of_one_image_need_no_copy_of_it(kind: type) -> None:
    x, rows = torch.rand(3, 2, 4, 4), torch.rand(3 * 5, 2, 4, 4)
    together = kind(rows).log_prob(x)
    alone = kind(rows).log_prob(x.repeat_interleave(5, dim=0))
    assert together.shape == (15,) and torch.equal(together, alone)


def test_bernoulli_means_equal_torchs_cross_entropy_where_pixels_are_certain() -> None:
    """Probabilities of exactly 0 and 1 give -100 nats where they are wrong, and a finite gradient."""
    p = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.3, 0.7, 1e-30, 0.5]])
    x = torch.tensor([[0.0, 1.0, 1.0, 0.2, 0.4, 0.6, 0.5, 0.0]])
    expected = -F.binary_cross_entropy(p, x, reduction="none").sum(1)
    assert torch.allclose(BernoulliMeans(p).log_prob(x), expected, rtol=1e-6)
    needs_gradient = p.clone().requires_grad_()
    value = BernoulliMeans(needs_gradient).log_prob(x)
    value.sum().backward()
    assert torch.allclose(value, expected) and needs_gradient.grad is not None
    assert needs_gradient.grad.isfinite().all()


def test_it_agrees_with_stock_get_nll_but_for_the_sign() -> None:
    model, x, _ = linear_vae(wider=0.5)
    with torch.no_grad():
        stock = model.double().get_nll(x, n_samples=2000, batch_size=500)
    assert float(nll(model, x, 2000, generator=generator()).mean()) == pytest.approx(-stock, abs=0.02)


def test_all_gaussian_stock_models_are_accepted_and_others_refused() -> None:
    model, x, exact = linear_vae(kind="BetaVAE")
    assert torch.allclose(nll(model, x, 2, generator=generator()), exact, atol=1e-6)
    vamp = pythae.VAMP(pythae.VAMPConfig(input_dim=(1, 4, 4), latent_dim=2))
    with pytest.raises(TypeError, match="VAMP"):
        nll(vamp, torch.rand(2, 1, 4, 4), 2)
    with pytest.raises(ValueError, match="at least one"):
        nll(model, x, 0)


def test_bernoulli_nll_by_summing_over_a_grid_of_codes() -> None:
    """With one latent unit the integral is a sum over a fine grid; stock MLP decoder, binary images."""
    torch.manual_seed(0)
    model = pythae.VAE(pythae.VAEConfig(input_dim=(1, 3, 3), latent_dim=1, reconstruction_loss="bce")).eval()
    x = (torch.rand(5, 1, 3, 3) > 0.5).float()
    grid = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        p = model.decoder(grid).reconstruction.flatten(1)[None]  # [1, 4001, 9]
    bits = x.flatten(1)[:, None]
    log_joint = (bits * p.log() + (1 - bits) * (1 - p).log()).sum(-1) - 0.5 * grid[:, 0] ** 2
    exact = -(torch.logsumexp(log_joint, 1) + math.log(16 / 4000) - 0.5 * math.log(2 * math.pi))
    assert torch.allclose(nll(model, x, 20_000, generator=generator()).float(), exact, atol=0.02)


def test_mode_and_gradients_are_left_as_they_were() -> None:
    model, x, _ = linear_vae()
    model.train()
    assert not nll(model, x, 2).requires_grad and model.training
