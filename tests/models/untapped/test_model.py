"""The bounds of M2 and Untapped on a toy that can be enumerated, its latent on a grid, and terms from their noise."""

import math
from typing import Any

import pytest
import torch
from simplex import simplex_grid
from torch import Tensor
from untapped_toy import IMAGES, LABELS, NAMES, ROWS, SHAPE, D, K, toy

from bench.likelihood import nll
from models.distributions.concrete import concrete_log_prob, relaxed_bernoulli
from models.distributions.densities import Bernoulli
from models.distributions.labelled import one_hot
from models.distributions.uniform_box import BoxedGaussian, to_box
from models.training import Batch

UNTAPPED = ("Untapped", "BidirectionalUntapped")
CELLS = 4000


def z_grid(model: Any) -> tuple[Tensor, float]:
    """Midpoints [CELLS, 1] of the box, and the width of a cell."""
    h = model.model_config.half_width
    return ((torch.arange(CELLS) + 0.5) / CELLS * 2 - 1)[:, None] * h, 2 * h / CELLS


@torch.no_grad()
def log_joint(model: Any) -> Tensor:
    """ln p(x, y, z) of all images and labels on the grid of z: [16, K, CELLS]."""
    z, _ = z_grid(model)
    rows = []
    for y in LABELS:
        p = model.decode_given(y.expand(CELLS, K), z).flatten(1)  # [CELLS, 4]
        x = IMAGES.flatten(1)[:, None]
        log_p_x = (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)  # [16, CELLS]
        rows.append(log_p_x - math.log(K) - D * math.log(2 * model.model_config.half_width))
    return torch.stack(rows, 1)


@torch.no_grad()
def log_q_latent(model: Any) -> Tensor:
    """ln q(z|x, y) on the grid: [16, K, CELLS]."""
    z, _ = z_grid(model)
    seen = model.encoder.look(IMAGES)
    rows = []
    for y in LABELS:
        location, scale, half_width = model.latent_posterior(seen, y.expand(16, K))
        rows.append(BoxedGaussian(location[:, None], scale[:, None], half_width).log_prob(z))
    return torch.stack(rows, 1)


def forward_bounds(model: Any) -> Tensor:
    """The labelled forward bound, integrated over z: [16, K]."""
    log_q, (_, cell) = log_q_latent(model), z_grid(model)
    return (log_q.exp() * (log_joint(model) - log_q)).sum(-1) * cell


def repeated(image: int, label: int, rows: int = ROWS) -> Batch:
    return Batch(IMAGES[image].expand(rows, *SHAPE), torch.full((rows,), label), None, rows)


def near(samples: Tensor, exact: float | Tensor) -> bool:
    """Whether the mean of samples is the exact value, within five standard errors."""
    error = samples.double().std() / len(samples) ** 0.5
    return bool((samples.double().mean() - exact).abs() < 5 * error + 1e-4)


@torch.no_grad()
def wide(model: Any) -> Any:
    """The model with a posterior as wide as the prior, so that the weights have a small variance."""
    for head in (model.encoder.networks.location, model.encoder.networks.scale, model.encoder.networks.labels[-1]):
        head.weight.mul_(0.1)
        head.bias.zero_()
    model.encoder.networks.scale.bias.fill_(2.0)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_the_labelled_forward_bound_is_below_log_p_x_y(name: str) -> None:
    model = toy(name)
    _, cell = z_grid(model)
    evidence = torch.logsumexp(log_joint(model), -1) + math.log(cell)  # ln p(x, y)
    assert float(evidence.exp().sum()) == pytest.approx(1, abs=1e-4)
    gap = evidence - forward_bounds(model)
    assert float(gap.min()) > 0
    with torch.no_grad():
        terms = model.terms(repeated(5, 2), torch.Generator().manual_seed(1)).losses
    assert near(-terms["forward_labelled"], forward_bounds(model)[5, 2])
    assert torch.equal(terms["forward_unlabelled"], torch.zeros(ROWS))


@pytest.mark.parametrize("name", ["M2", "BidirectionalM2"])
def test_the_unlabelled_forward_bound_with_labels_summed_is_below_log_p_x(name: str) -> None:
    model = toy(name)
    _, cell = z_grid(model)
    log_p_x = torch.logsumexp(log_joint(model), (1, 2)) + math.log(cell)
    with torch.no_grad():
        log_q_y = model.label_log_probs(IMAGES)
        bound = (log_q_y.exp() * (forward_bounds(model) - log_q_y)).sum(1)
        assert float((log_p_x - bound).min()) > 0
        x = IMAGES[6].expand(ROWS, *SHAPE)
        assert near(-model.neg_elbo(x, torch.Generator().manual_seed(2)), bound[6])


def test_the_bound_with_a_relaxed_label_is_below_log_p_x_of_labels_in_the_simplex() -> None:
    """Its sample is an importance weight: exponentials have the mean p(x), an integral over the simplex and the box."""
    model, image = wide(toy("M2")), 6
    y, area = simplex_grid(30)
    z = ((torch.arange(60) + 0.5) / 60 * 2 - 1)[:, None] * model.model_config.half_width
    with torch.no_grad():
        p = model.decode_given(y.float().repeat_interleave(60, 0), z.repeat(900, 1))
        likelihood = torch.where(IMAGES[image] > 0, p, 1 - p).flatten(1).prod(1).double()
        p_x = math.factorial(K - 1) * float((area * likelihood.unflatten(0, (900, 60)).mean(1)).sum())
        terms = model.terms(repeated(image, -1), torch.Generator().manual_seed(3)).losses
    bound = -terms["forward_unlabelled"].double()
    error = float(bound.exp().std()) / ROWS**0.5
    assert float(bound.exp().mean()) == pytest.approx(p_x, abs=5 * error)
    assert error < 0.02 * p_x
    assert float(bound.mean() + 5 * bound.std() / ROWS**0.5) < math.log(p_x)


@pytest.mark.parametrize("name", ["M2", "BidirectionalM2"])
def test_the_summed_bound_is_its_enumeration_and_below_log_p_x(name: str) -> None:
    """Of every image: over all labels, each with its z written out from the same noise, and in the mean over z."""
    model = toy(name, unlabelled="sum")
    log_p_x = torch.logsumexp(log_joint(model), (1, 2)) + math.log(z_grid(model)[1])
    log_prior = -math.log(K) - D * math.log(2 * model.model_config.half_width)
    with torch.no_grad():
        labels = torch.tensor([-1, -1, -1, 2]).repeat(4)
        terms = model.terms(Batch(IMAGES, labels), torch.Generator().manual_seed(8)).losses
        log_q_y, seen = model.label_log_probs(IMAGES), model.encoder.look(IMAGES)
        noise = torch.randn(16, K, D, generator=torch.Generator().manual_seed(8))
        each, errors = [], []
        for label, y in enumerate(LABELS.unbind()):
            q = model.latent_posterior(seen, y.expand(16, K))
            z = to_box(q.location + q.scale * noise[:, label], q.half_width)
            p = model.decode_given(y.expand(16, K), z)
            log_p = (IMAGES * p.log() + (1 - IMAGES) * (1 - p).log()).flatten(1).sum(1)
            each.append(log_p + log_prior - q.log_prob(z))
            errors.append((IMAGES - p).square().flatten(1).sum(1))
        joint = torch.stack(each, 1)
        summed = torch.stack([log_q_y[:, y].exp() * (joint[:, y] - log_q_y[:, y]) for y in range(K)]).sum(0)
        unlabelled = labels < 0
        torch.testing.assert_close(terms["forward_unlabelled"], torch.where(unlabelled, -summed, 0) * 16 / 12)
        torch.testing.assert_close(terms["forward_labelled"], torch.where(unlabelled, 0, -joint[:, 2]) * 4)
        torch.testing.assert_close(terms["image_loss"], torch.where(unlabelled, 0, errors[2]) * 4)
        torch.testing.assert_close(terms["label_loss"], torch.where(unlabelled, 0, -log_q_y[:, 2]) * 4)

        bound = (log_q_y.exp() * (forward_bounds(model) - log_q_y)).sum(1)
        assert float((log_p_x - bound).min()) > 0
        drawn = model.terms(repeated(6, -1), torch.Generator().manual_seed(9)).losses["forward_unlabelled"]
        assert near(-drawn, bound[6])


def test_importance_sampling_over_labels_and_latents_gives_log_p_x() -> None:
    model = wide(toy("M2"))
    log_p_x = torch.logsumexp(log_joint(model), (1, 2)) + math.log(z_grid(model)[1])
    estimate = nll(model, IMAGES[::5], 5_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(-estimate.float(), log_p_x[::5], atol=0.05, rtol=0)


BOUNDS: dict[str, dict[str, Any]] = {  # what is said to be a bound
    "as-paper": {},
    "as-code": {"setting": "as-code"},
    "hard": {"image_sample": "hard"},
    "smoothed": {"smoothing": 0.05, "temperature": 0.7},
    "without z": {"reverse_latent": False},
    "as-code with a gradient": {"setting": "as-code", "image_sample": "straight-through"},
    "fixed pairs": {"pairs": "fixed"},
}


@torch.no_grad()
def reverse_parts(model: Any, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """ln p(x|y, z), and ln q(x, y, z) or without z in it ln q(x, y), of all images for one pair: [16] each."""
    p = model.decode_given(y[None], z[None]).flatten(1)
    x = IMAGES.flatten(1)
    log_p = (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)
    seen, config = model.encoder.look(IMAGES), model.model_config
    log_probs = model.encoder.label_log_probs(seen)
    log_q = (y * log_probs).sum(-1)
    if config.smoothing:
        log_q = concrete_log_prob(y.log(), log_probs, config.temperature)
    if config.reverse_latent:
        log_q = log_q + model.latent_posterior(seen, y.expand(16, K)).log_prob(z.expand(16, D))
    return log_p, log_q - 4 * math.log(2)


@pytest.mark.parametrize("options", BOUNDS.values(), ids=BOUNDS)
@pytest.mark.parametrize("name", UNTAPPED)
def test_the_reverse_bound_is_its_enumeration_and_below_log_q(name: str, options: dict[str, Any]) -> None:
    """Of every label: the mean over images drawn, the sum over all images, and ln q(y, z) or ln q(y)."""
    model = toy(name, **options)
    pairs = model.unfeatured(K, torch.device("cpu"), torch.Generator().manual_seed(2))
    for y, z in zip(*pairs, strict=True):
        log_p, log_q = reverse_parts(model, y, z)
        bound = (log_p.exp() * (log_q - log_p)).sum()
        assert float(bound) < float(torch.logsumexp(log_q, 0))
        with torch.no_grad():
            drawn = model.reverse_bound(y.expand(ROWS, K), z.expand(ROWS, D), torch.Generator().manual_seed(3))
        assert near(drawn, bound)


@pytest.mark.parametrize("name", UNTAPPED)
def test_a_relaxed_image_gives_no_estimate_of_the_bound(name: str) -> None:
    model = toy(name, image_sample="relaxed")
    for y, z in zip(LABELS, torch.tensor([[0.4], [-1.0], [1.2]]), strict=True):
        log_p, log_q = reverse_parts(model, y, z)
        with torch.no_grad():
            drawn = model.reverse_bound(y.expand(ROWS, K), z.expand(ROWS, D), torch.Generator().manual_seed(3)).double()
        bound = (log_p.exp() * (log_q - log_p)).sum()
        assert float((drawn.mean() - bound).abs()) > 20 * float(drawn.std()) / ROWS**0.5


def test_a_relaxed_image_is_taken_for_more_random_than_its_law() -> None:
    """Of a pixel with p = 0.1: -ln p(x~) of Concrete x~ is 0.0995 nats above the entropy that it stands for."""
    logit = torch.tensor(0.1, dtype=torch.float64).logit()
    u = (torch.arange(1_000_000, dtype=torch.float64) + 0.5) / 1_000_000
    x = ((logit + u.logit()) * 1.5).sigmoid()
    judged = -(x * math.log(0.1) + (1 - x) * math.log(0.9)).mean()
    assert float(judged - Bernoulli(logit.expand(1, 1)).entropy()) == pytest.approx(0.0995, abs=1e-4)
    drawn = relaxed_bernoulli(logit.float().expand(1000, 1000), 2 / 3, torch.Generator().manual_seed(0))
    assert float(drawn.mean()) == pytest.approx(float(x.mean()), abs=1e-3)


def test_a_straight_through_image_has_pixels_of_0_and_1_and_the_entropys_gradient() -> None:
    """Where q looks at no image, the bound moves the decoder by the gradient of its entropy, whatever is drawn."""
    model = toy("Untapped", reverse_latent=False)
    with torch.no_grad():
        model.encoder.networks.labels[-1].weight.zero_()  # q(y|x) is the same of every image
    y, z = LABELS[:1], torch.tensor([[0.3]])
    bias = list(model.decoder.parameters())[-1]
    (gradient,) = torch.autograd.grad(model.reverse_bound(y, z, torch.Generator().manual_seed(0)).sum(), bias)
    logits = model.decoder.logits(torch.cat([y, z], 1)).flatten().detach()
    torch.testing.assert_close(gradient, -logits * logits.sigmoid() * (1 - logits.sigmoid()))


@pytest.mark.parametrize("sample", ["straight-through", "hard"])
def test_the_reverse_bound_with_z_latent_is_below_log_q_y(sample: str) -> None:
    model = toy("Untapped", image_sample=sample, pairs="latent")
    y = LABELS[1]
    with torch.no_grad():
        z = model.prior.box.sample(ROWS, torch.Generator().manual_seed(4))
        drawn = model.reverse_bound(y.expand(ROWS, K), z, torch.Generator().manual_seed(5)).double()
        log_q_y = torch.logsumexp(model.label_log_probs(IMAGES)[:, 1] - 4 * math.log(2), 0)
    assert float(drawn.mean() + 5 * drawn.std() / ROWS**0.5) < float(log_q_y)
    observed = toy("Untapped", image_sample=sample)
    same = observed.reverse_bound(y.expand(ROWS, K), z, torch.Generator().manual_seed(5)).double()
    torch.testing.assert_close(drawn, same.detach() + math.log(3))  # d ln 2h above the bound with z observed
    without, latent = (
        toy("Untapped", image_sample=sample, reverse_latent=False, pairs=pairs).reverse_bound(
            y.expand(ROWS, K), z, torch.Generator().manual_seed(5)
        )
        for pairs in ("fresh", "latent")
    )
    assert torch.equal(without, latent)  # no ln q(z|x, y), and so none of its reference


def test_the_labelled_reverse_bound_is_below_log_q_x_y() -> None:
    model = toy("Untapped", labelled_reverse=True)
    with torch.no_grad():
        log_q_x_y = model.label_log_probs(IMAGES)[5, 2] - 4 * math.log(2)
        terms = model.terms(repeated(5, 2), torch.Generator().manual_seed(6)).losses
    bound = -terms["reverse_labelled"].double()
    assert float(bound.mean() + 5 * bound.std() / ROWS**0.5) < float(log_q_x_y)
    h = model.model_config.half_width
    cross = log_q_latent(model)[5, 2].mean() + D * math.log(2 * h)  # E ln q(z|x, y) - ln p(z), z ~ p(z)
    assert near(bound, log_q_x_y + cross)


@pytest.mark.parametrize("setting", ["as-paper", "as-code"])
def test_relaxed_terms_are_their_definitions(setting: str) -> None:
    """Each term again, from the same noise, written out."""
    model = toy("Untapped", setting=setting)
    config = model.model_config
    x, labels = IMAGES[:6], torch.tensor([0, 1, 2, -1, -1, -1])
    with torch.no_grad():
        losses = model.terms(Batch(x, labels, None, 6), torch.Generator().manual_seed(7)).losses

        g = torch.Generator().manual_seed(7)
        gumbel = -(-torch.rand(6, K, generator=g).log()).log()
        log_probs = model.label_log_probs(x)
        log_y = ((log_probs + gumbel) / config.temperature).log_softmax(-1)
        y = torch.where(labels[:, None] >= 0, one_hot(labels, K), log_y.exp())
        q = model.latent_posterior(model.encoder.look(x), y)
        z_tilde = q.location + q.scale * torch.randn(6, D, generator=g)
        h = config.half_width
        z = -h + 2 * h / (1 + (-z_tilde).exp())
        log_n = -0.5 * (math.log(2 * math.pi) + 2 * q.scale.log() + ((z_tilde - q.location) / q.scale) ** 2)
        s = z_tilde.sigmoid()
        log_q_z = (log_n - (2 * h * s * (1 - s)).log()).sum(-1)
        p = model.decode_given(y, z)
        log_p_x = (x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
        common = log_p_x - D * math.log(2 * h) - log_q_z
        torch.testing.assert_close(losses["forward_labelled"][:3], -2 * (common - math.log(K))[:3])
        log_q_y = concrete_log_prob(log_y, log_probs, config.temperature)
        torch.testing.assert_close(losses["forward_unlabelled"][3:], -2 * (common + math.lgamma(K) - log_q_y)[3:])
        judged = log_probs if setting == "as-paper" else log_y
        torch.testing.assert_close(losses["label_loss"][:3], -2 * judged[:3].diagonal())
        torch.testing.assert_close(losses["image_loss"][:3], 2 * (x - p).square().flatten(1).sum(1)[:3])

        if setting == "as-paper":
            y_u, z_u = torch.eye(K), h * (2 * torch.rand(3, D, generator=g) - 1)
        else:
            y_u, z_u = torch.eye(K) * 0.95 + (1 - torch.eye(K)) * 0.05 / (K - 1), model.fixed_z
        p_u = model.decode_given(y_u, z_u)
        u = torch.rand(3, *SHAPE, generator=g)
        x_u = (u < p_u).float()
        judged = p_u if setting == "as-paper" else x_u  # its own mean: the entropy
        log_p_u = (judged * p_u.log() + (1 - judged) * (1 - p_u).log()).flatten(1).sum(1)
        bound = -log_p_u - 4 * math.log(2)
        if setting == "as-paper":
            bound += model.label_log_probs(x_u).diagonal()
            bound += model.latent_posterior(model.encoder.look(x_u), y_u).log_prob(z_u)
        else:
            bound += concrete_log_prob(y_u.log(), model.label_log_probs(x_u), 1.0)
        torch.testing.assert_close(losses["reverse"], -bound)
