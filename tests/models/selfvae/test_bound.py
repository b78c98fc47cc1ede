"""selfVAE's bound against exact values: a linear-Gaussian chain, an enumerated one, and levels that add nothing."""

import math
from typing import Any

import pytest
import torch
from small_selfvae import LATENT, NETWORK, TWO, N, chain, images, seeded
from torch import Tensor, nn

from bench.likelihood import nll
from models.distributions.densities import Gaussian, log_mean_exp, standard_normal_log_prob
from models.noise import Noise
from models.selfvae.model import SelfVAE
from models.selfvae.transformations import TRANSFORMATIONS, Transformation


def elbos(model: Any, x: Tensor, n: int) -> Tensor:
    """ELBO of x [1, ...], n times: [n]."""
    with torch.no_grad():
        terms = model.level_terms(x.expand(n, *x.shape[1:]), seeded(1))
    return -torch.stack(list(terms.values())).sum(0).double()


class Affine(nn.Module):
    """A Gaussian whose mean is affine in what it sees."""

    def __init__(self, *sizes: int, out: int, deviation: float):
        super().__init__()
        self.maps = nn.ParameterList(torch.randn(out, size) * 0.6 for size in sizes)
        self.bias, self.deviation = nn.Parameter(torch.randn(out) * 0.3), deviation

    def forward(self, *seen: Tensor | None) -> Gaussian:
        parts = [s.flatten(1) @ m.T for s, m in zip([s for s in seen if s is not None], self.maps, strict=True)]
        mean = torch.stack(parts).sum(0) + self.bias
        return Gaussian(mean, torch.full_like(mean, 2 * math.log(self.deviation)))


class AffineImage(Affine):
    """The same as a law of images."""

    def forward(self, *seen: Tensor | None) -> Any:
        gaussian = super().forward(*seen)

        class Law:
            def log_prob(self, x: Tensor) -> Tensor:
                return gaussian.log_prob(x.flatten(1)[:, None])[:, 0]

        return Law()


class LinearChain:
    """u of 2 numbers, y of 2, z of 3, x of 4: all conditionals Gaussian and affine, y = A x."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.matrix = torch.randn(2, 4) * 0.5
        self.q = [Affine(4, out=3, deviation=0.7), Affine(2, out=2, deviation=0.8)]
        self.p_y, self.p_z = AffineImage(2, out=2, deviation=0.5), Affine(2, 2, out=3, deviation=0.9)
        self.p_x = AffineImage(2, 3, out=4, deviation=0.6)

    def latent(self, j: int, image: Tensor, above: Tensor | None = None) -> Gaussian:
        return self.q[j - 1](image) if above is None else self.p_z(image, above)

    def image(self, i: int, above: Tensor | None, latent: Tensor) -> Any:
        return self.p_x(above, latent) if i == 0 else self.p_y(latent)

    @torch.no_grad()
    def log_joint(self, x: Tensor) -> float:
        """The exact ln p(x, A x): that of a Gaussian of (y, x), u and z integrated out."""
        of_u, of_zy, of_zu = self.p_y.maps[0].double(), *(m.double() for m in self.p_z.maps)
        of_xy, of_xz = (m.double() for m in self.p_x.maps)
        b_y, b_z, b_x = (part.bias.double() for part in (self.p_y, self.p_z, self.p_x))
        eye = torch.eye(2 + 2 + 3 + 4).double()  # independent standard normals behind u, y, z, x
        u = eye[:2]
        y = of_u @ u + self.p_y.deviation * eye[2:4]
        z = of_zy @ y + of_zu @ u + self.p_z.deviation * eye[4:7]
        image = of_xy @ y + of_xz @ z + self.p_x.deviation * eye[7:]
        root = torch.cat([y, image])
        mean = torch.cat([b_y, of_xy @ b_y + of_xz @ (of_zy @ b_y + b_z) + b_x])
        seen = torch.cat([self.matrix.double() @ x.double(), x.double()])
        return float(torch.distributions.MultivariateNormal(mean, root @ root.T).log_prob(seen))


def linear(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, LinearChain]:
    """A SelfVAE of which every conditional is the linear chain's, and whose transformation is its matrix."""
    parts, model = LinearChain(), chain(("identity",))
    halved = Transformation(lambda x: x @ parts.matrix.T, lambda shape: shape)
    monkeypatch.setitem(TRANSFORMATIONS, "identity", halved)
    object.__setattr__(model, "encoder", parts)
    model._modules.pop("encoder")
    model._modules.pop("decoder")
    object.__setattr__(model, "decoder", parts)
    monkeypatch.setattr(type(model), "prior_of_u", property(lambda self: Standard()))
    return model, parts


class Standard:
    """N(0, I)."""

    def log_prob(self, z: Tensor) -> Tensor:
        return standard_normal_log_prob(z)


def test_with_continuous_images_the_objective_is_below_the_exact_joint(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a linear-Gaussian chain: -ELBO exceeds -ln p(x, A x), and many importance samples of a wide q reach it."""
    model, parts = linear(monkeypatch)
    parts.q = [Affine(4, out=3, deviation=1.5), Affine(2, out=2, deviation=1.5)]
    with torch.no_grad():
        for law in parts.q:
            law.maps[0].mul_(0.2)
    for x in torch.randn(3, 4, generator=seeded(4)):
        exact = parts.log_joint(x)
        bound = elbos(model, x[None], 40_000)
        assert float(bound.mean()) < exact - 0.05
        weights = (bound - exact).exp()
        assert float(weights.mean()) == pytest.approx(1.0, abs=5 * float(weights.std()) / 200)


def test_with_the_exact_posterior_every_sample_of_the_objective_is_the_joint(monkeypatch: pytest.MonkeyPatch) -> None:
    """q(u|y) is exact by itself; z depends on u too, so p(z|y, u) is made to look at y alone."""
    model, parts = linear(monkeypatch)
    with torch.no_grad():
        parts.p_z.maps[1].zero_()
    x = torch.randn(4, generator=seeded(4))
    y = parts.matrix @ x

    def exact(law: Affine, prior_mean: Tensor, prior_deviation: float, seen: Tensor, known: Tensor, of: Tensor) -> Any:
        precision = torch.eye(of.shape[1]) / prior_deviation**2 + of.T @ of / law.deviation**2
        covariance = precision.inverse()
        mean = covariance @ (of.T @ (seen - known) / law.deviation**2 + prior_mean / prior_deviation**2)
        return torch.distributions.MultivariateNormal(mean, covariance)

    q_u = exact(parts.p_y, torch.zeros(2), 1.0, y, parts.p_y.bias, parts.p_y.maps[0])
    at = parts.p_z.maps[0] @ y + parts.p_z.bias
    known = parts.p_x.maps[0] @ y + parts.p_x.bias
    q_z = exact(parts.p_x, at, parts.p_z.deviation, x, known, parts.p_x.maps[1])

    class Full:
        """A posterior of full covariance."""

        def __init__(self, q: Any):
            self.q, self.mean = q, q.mean[None]

        def rsample(self, k: int, noise: Noise = None) -> Tensor:
            return self.q.sample((1, k))

        def log_prob(self, z: Tensor) -> Tensor:
            return self.q.log_prob(z)

    laws = {1: Full(q_z), 2: Full(q_u)}
    latent = parts.latent
    parts.latent = lambda j, image, above=None: laws[j] if above is None else latent(j, image, above)  # type: ignore
    for _ in range(3):
        bound = float(elbos(model, x[None], 1))
        assert bound == pytest.approx(parts.log_joint(x), abs=1e-4)


def tiny() -> tuple[SelfVAE, Tensor]:
    """A model of images of 2 x 2 with one number in u and in z, and one pixel in y; and an image."""
    model = chain(input_dim=(1, 2, 2), latent_dim=1, network=NETWORK | {"downs": 1})
    return model, images(1, 1, 2, 2)


def integrated(model: SelfVAE, x: Tensor, levels: Tensor) -> Tensor:
    """ln p(x, y) of each grey level y [Y, 1, 1, 1], u and z integrated out on a grid: [Y]."""
    grid = torch.linspace(-7, 7, 71)[:, None]
    n, cell = len(grid), math.log(14 / 70)
    many, u = levels.repeat_interleave(n, 0), grid.repeat(len(levels), 1)  # for each level all of the grid
    with torch.no_grad():
        log_u = standard_normal_log_prob(u) + model.decoder.image(1, None, u).log_prob(many)
        log_z = (
            model.decoder.latent(1, many, u).log_prob(grid.expand(len(u), -1, -1)).unflatten(0, (-1, n))
        )  # [Y, U, Z]
        log_x = model.decoder.image(0, many, u).log_prob(x.expand(len(u), -1, -1, -1))  # u in the place of z
    joint = log_u.view(-1, n, 1) + log_z + log_x.view(-1, 1, n)
    return torch.logsumexp(joint.double().flatten(1), 1) + 2 * cell


def test_with_discrete_images_the_objective_is_below_the_enumerated_likelihood() -> None:
    """ELBO < ln p(x, d(x)) < ln p(x), the latter summed over all 256 values of y; samples reach the former."""
    model, x = tiny()
    log_joint = integrated(model, x, torch.arange(256)[:, None, None, None] / 255)
    log_p_x = float(torch.logsumexp(log_joint, 0))
    own = int(255 * model.levels(x)[1] + 0.5)
    bound = elbos(model, x, 5_000)
    assert float(bound.mean()) < float(log_joint[own]) < log_p_x
    assert float(log_mean_exp(bound, 0)) == pytest.approx(float(log_joint[own]), abs=0.03)
    estimate = -float(nll(model, x, 5_000, generator=seeded(0)))
    assert estimate == pytest.approx(float(log_joint[own]), abs=0.03)


def test_an_identity_level_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where p(y_1|y_2) is sure that y_1 = y_2 and z_2 carries nothing, three levels are two."""
    two, three = chain(TWO), chain((*TWO, "identity"))
    three.decoder.last_image.load_state_dict(two.decoder.last_image.state_dict())
    three.decoder.images[0].load_state_dict(two.decoder.images[0].state_dict())
    three.encoder.networks[0].load_state_dict(two.encoder.networks[0].state_dict())
    three.encoder.networks[2].load_state_dict(two.encoder.networks[1].state_dict())
    image, posterior, p_z_of_two = three.decoder.image, three.encoder.latent, two.decoder.latent

    class Same:
        """Certainty that an image is y."""

        def __init__(self, y: Tensor):
            self.y = y

        def log_prob(self, x: Tensor) -> Tensor:
            return torch.where((x == self.y).flatten(1).all(1), 0.0, -math.inf)

    def normal(y: Tensor) -> Gaussian:
        return Gaussian(torch.zeros(len(y), LATENT), torch.zeros(len(y), LATENT))

    def p_z(j: int, y: Tensor, above: Tensor) -> Gaussian:
        """p(z_1|y_1) of both models, blind to the latent above, in which they differ; p(z_2) = N(0, I)."""
        return p_z_of_two(1, y, torch.zeros_like(above)) if j == 1 else normal(y)

    monkeypatch.setattr(two.decoder, "latent", p_z)
    monkeypatch.setattr(three.decoder, "latent", p_z)
    monkeypatch.setattr(three.decoder, "image", lambda i, y, code: Same(y) if i == 1 else image(i, y, code))
    monkeypatch.setattr(three.encoder, "latent", lambda j, y: normal(y) if j == 2 else posterior(j, y))
    x = images(N)
    with torch.no_grad():
        own = three.own(x, seeded(0))
        of_two = {"x": x, "y1": own["y1"], "u": own["u"], "z1": own["z1"]}
        log_p_two, log_p_three = two.walk(of_two).log_p, three.walk(own).log_p
        q_two, q_three = two.posterior(x), three.posterior(x)
    for name, other in {"x": "x", "y1": "y2", "z1": "z1", "u": "u"}.items():
        assert torch.allclose(log_p_two[name], log_p_three[other])
    for name in ("u", "z1"):
        assert torch.equal(q_two.latents[name].mean, q_three.latents[name].mean)
    with torch.no_grad():
        terms = three.level_terms(x, seeded(0))
    assert torch.equal(terms["distortion_y1"], torch.zeros(N))
    assert torch.equal(terms["kl_z2"], torch.zeros(N))
