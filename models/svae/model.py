"""Symmetric VAE, sVAE-r, ALI, ALICE, and what they are of one part alone: a critic, and what the others make of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from pythae.models import BaseAE
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from models.capabilities import GaussianLatent, LastEpoch
from models.forms import Family, forms
from models.from_config import FromConfig
from models.interface.routes import Route, owned, with_routes
from models.interface.trainers import ADVERSARIAL
from models.networks.linear import TwoWay
from models.noise import Kept, Noise, Replay
from models.svae.losses import ali_terms, discriminator_terms, symmetric_terms, wasserstein_terms
from models.svae.networks import Discriminator, MeanDecoder, SampledEncoder, SymmetricNetworkConfig, networks_of
from models.training import Batch, Objective, Phase, Terms


class Game(NamedTuple):
    """What encoder and decoder minimise: the two terms of `fools`, and the two errors where it is `regularised`.

    `of` says what the critic judges. Joint "pairs"; or images alone, which are the "decoder"'s game, while the encoder
    learns the codes of the decoder's images, without a gradient for it; or codes of a given image, the "encoder"'s,
    with the error of x beside. A `linear` critic minimises the difference of its means and the size of its weights.
    """

    fools: Literal["ratio", "ali"]
    regularised: bool = False
    of: Literal["pairs", "decoder", "encoder"] = "pairs"
    linear: bool = False

    @property
    def errors(self) -> tuple[str, ...]:
        """The errors that encoder and decoder minimise besides."""
        alone = {"pairs": (), "decoder": ("error_of_z",), "encoder": ("error_of_x",)}
        return ("error_of_x", "error_of_z") if self.regularised else alone[self.of]


# sVAE (Eq. 14, sVAE), sVAE-r (Eq. 29), ALI in the form of Eq. 19 (Dumoulin et al. 2017), ALICE (Li et al. 2017); of the
# decoder alone GAN (Eq. 24, labels exchanged; Goodfellow et al. 2014) and WGAN (Eq. 25; Arjovsky et al. 2017), its
# critic bounded by the size of its weights; of the encoder alone AVB (Mescheder et al. 2017).
GAMES = {
    "SymmetricVAE": Game("ratio"),
    "SymmetricVAER": Game("ratio", regularised=True),
    "ALI": Game("ali"),
    "ALICE": Game("ali", regularised=True),
    "GAN": Game("ali", of="decoder"),
    "WGAN": Game("ratio", of="decoder", linear=True),
    "AVB": Game("ratio", of="encoder"),
}


class Adversarial(Objective, BaseAE):
    r"""A critic, an encoder and a decoder that take steps in turn on the same batch, and the terms of all models.

    .. math:: L_{\theta, \phi} = L_{fool} + \lambda [-\ln p_\theta(x|\tilde z) - \ln q_\phi(z|\tilde x)]

    Source: Section 3.2 and Eq. 29, sVAE. `game` says which two terms are :math:`L_{fool}`, and whether there are the
    two errors, whose weight is `reconstruction_weight`; both reach encoder and decoder. The terms of either
    :math:`L_{fool}` are computed, the other's have weight 0, so that models on networks of one `kind` can train as one.
    In a step the critic sees the pairs of both kinds as one batch. `encoder` and `decoder` have `draw` and `error`.
    The errors' passes move no running statistic, and take the noise that the pairs had, of which each error's other
    argument does not depend: at :math:`\lambda = 0` the game is that without errors, to the bit.
    """

    weight_options = frozenset({"reconstruction_weight", "critic_decay"})
    trainers = ADVERSARIAL
    game: ClassVar[Game] = GAMES["SymmetricVAE"]
    kind: ClassVar[str] = ""
    shared: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        game = cls.game
        of, how = "" if game.of == "pairs" else game.of, ("linear" * game.linear, "regularised" * game.regularised)
        cls.family = "" if cls.shared else ", ".join(filter(None, ("adversarial", cls.kind, of, *how)))

    def __init__(
        self, model_config: "SymmetricVAEConfig", encoder: BaseEncoder, decoder: BaseDecoder, discriminator: nn.Module
    ):
        super().__init__(model_config, encoder, decoder)
        self.discriminator = discriminator

    def phases(self) -> tuple[Phase, ...]:
        critics, others = self.model_config.steps
        critic = Phase("discriminator", ("discriminator",), self.critic_terms)
        return (critic,) * critics + (Phase("autoencoder", ("encoder", "decoder"), self.fooling_terms),) * others

    def weights(self, epoch: int) -> dict[str, float]:
        other = "ali" if self.game.fools == "ratio" else "ratio"
        weights = {f"{other}_of_encoder": 0.0, f"{other}_of_decoder": 0.0}
        if self.game.of == "decoder":
            weights[f"{self.game.fools}_of_encoder"] = 0.0
        if self.game.regularised:
            weights |= dict.fromkeys(self.game.errors, self.model_config.reconstruction_weight)
        return weights | ({"critic_size": self.model_config.critic_decay} if self.game.linear else {})

    def pairs(
        self, x: Tensor, generator: Noise = None, kept: tuple[Noise, Noise] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return z~ of images x, and draws z of the prior with their x~; `kept` is what encoder and decoder draw by."""
        of_encoder, of_decoder = kept or (generator, generator)
        z_of_x = self.encoder.draw(x, of_encoder)
        z = self.prior.sample(len(x), generator, x.device)
        return z_of_x, z, self.decoder.draw(z, of_decoder)

    def critic(
        self, x: Tensor, z_of_x: Tensor, x_of_z: Tensor, z: Tensor, generator: Noise = None
    ) -> tuple[Tensor, Tensor]:
        """Return f of the encoder's pairs and of the decoder's, of both as far as the game goes: [B], [B]."""
        if self.game.of == "decoder":
            z_of_x, z = torch.zeros_like(z_of_x), torch.zeros_like(z)
        if self.game.of == "encoder":
            x_of_z = x
        f = self.discriminator(torch.cat([x, x_of_z]), torch.cat([z_of_x, z]), generator)
        return f[: len(x)], f[len(x) :]

    def critic_terms(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return what the critic minimises; no gradient passes into the pairs."""
        with torch.no_grad():
            z_of_x, z, x_of_z = self.pairs(batch.x, generator)
        f = self.critic(batch.x, z_of_x, x_of_z, z, generator)
        if not self.game.linear:
            return discriminator_terms(*f)
        size = torch.stack([weight.square().sum() / 2 for weight in self.discriminator.parameters()]).sum()
        return wasserstein_terms(*f) | {"critic_size": size.expand(len(batch.x))}

    def fooling_terms(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return what encoder and decoder minimise."""
        return self._fooling(batch, generator)[0]

    def _fooling(self, batch: Batch, generator: Noise) -> tuple[dict[str, Tensor], Tensor]:
        """Return that and z~."""
        of_encoder, of_decoder = Kept(generator), Kept(generator)
        z_of_x, z, x_of_z = self.pairs(batch.x, generator, (of_encoder, of_decoder))
        f = self.critic(batch.x, z_of_x, x_of_z, z, generator)
        terms = symmetric_terms(*f) | ali_terms(*f)
        made = x_of_z.detach() if self.game.of == "decoder" else x_of_z
        with still(self.encoder, self.decoder):
            if "error_of_x" in self.game.errors:
                terms["error_of_x"] = self.decoder.error(batch.x, z_of_x, Replay(of_decoder.tensors))
            if "error_of_z" in self.game.errors:
                terms["error_of_z"] = self.encoder.error(z, made, Replay(of_encoder.tensors))
        return terms, z_of_x

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        """Return the terms of both kinds of step, for Pythae's `forward`, and the codes and images of a batch."""
        losses = self.critic_terms(batch, generator)
        fooling, z_of_x = self._fooling(batch, generator)
        return Terms(losses | fooling, z_of_x, self.likelihood(z_of_x))

    def forward(self, inputs: dict[str, Tensor], **kwargs: int) -> ModelOutput:
        """Pythae's interface: the losses of encoder and decoder and of the critic, each of which moves its own.

        Raises ValueError in training with other `steps` than Pythae's trainers take, one of each a batch.
        """
        if self.training and torch.is_grad_enabled() and tuple(self.model_config.steps) != (1, 1):
            raise ValueError(f"Pythae's trainers take one step of each part a batch, not {self.model_config.steps}")
        x, epoch = inputs["data"], kwargs.get("epoch", 1)
        terms = self.terms(Batch(x, inputs.get("labels")))
        critics = {name: term for name, term in terms.losses.items() if name.startswith("critic")}
        others = {name: term for name, term in terms.losses.items() if name not in critics}
        routes = [
            Route(owned(self.encoder, self.decoder), self.loss(others, epoch), "autoencoder_loss"),
            Route(owned(self.discriminator), self.loss(critics, epoch), "discriminator_loss"),
        ]
        out = self.output(self.loss(terms.losses, epoch), x, terms)
        out.update({route.name: route.loss for route in routes})
        return with_routes(out, routes)


@contextmanager
def still(*networks: nn.Module) -> Iterator[None]:
    """Leave all running statistics of batch normalisation as they are; in training batches have their own."""
    norms = {
        m for network in networks for m in network.modules() if isinstance(m, _BatchNorm) and m.track_running_stats
    }
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


class OfImages(FromConfig, LastEpoch, Adversarial, GaussianLatent, pythae.AE):
    """The networks of Table 3: a Gaussian encoder, and a decoder of whose p(x|z) the pairs have the mean."""

    capabilities = GaussianLatent.capabilities | {"critic"}
    flat = True

    def networks(
        self, config: "SymmetricVAEConfig", own: TwoWay | None = None
    ) -> tuple[SampledEncoder, MeanDecoder, Discriminator]:
        """Return encoder, decoder and discriminator."""
        return networks_of(config, shared=self.shared, own=own)


_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT)
class SymmetricVAEConfig(pythae.AEConfig):
    """sVAE and ALI. `steps` are those of the critic, and of encoder and decoder, on each batch."""

    reconstruction_loss: Literal["bce", "mse"] = "bce"
    network: SymmetricNetworkConfig = SymmetricNetworkConfig()
    steps: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.steps) < 1:
            raise ValueError("steps are two numbers, at least 1 each")


@dataclass(config=_STRICT)
class Regularised:
    """The field of sVAE-r and ALICE besides: `reconstruction_weight` is the paper's lambda."""

    reconstruction_weight: float = 0.1


@dataclass(config=_STRICT)
class Bounded:
    """The field of WGAN besides: `critic_decay` is the weight of half the square of each of its critic's weights."""

    critic_decay: float = 1e-2


def games(base: type[Adversarial], config: type[SymmetricVAEConfig], prefix: str = "") -> dict[str, Family]:
    """Return the models on one kind of networks, by name."""
    return {
        prefix + name: Family(
            base, config, game=game, mixed_in=(Regularised,) * game.regularised + (Bounded,) * game.linear
        )
        for name, game in GAMES.items()
    }


__getattr__ = forms(__name__, **games(OfImages, SymmetricVAEConfig))
