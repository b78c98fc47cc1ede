"""Symmetric VAE, sVAE-r, ALI and ALICE on images: a critic of pairs (x, z), and what encoder and decoder make of it."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from torch import Tensor

from models.capabilities import GaussianLatent
from models.noise import Noise
from models.svae.losses import ali_terms, discriminator_terms, symmetric_terms
from models.svae.networks import SymmetricNetworkConfig, networks_of
from models.training import Batch, Objective, Phase, Terms


class Adversarial(Objective):
    r"""A critic, an encoder and a decoder that take steps in turn on the same batch, and the terms of all four models.

    .. math:: L_{\theta, \phi} = L_{fool} + \lambda [-\ln p_\theta(x|\tilde z) - \ln q_\phi(z|\tilde x)]

    Source: Section 3.2 and Eq. 29, sVAE. `fools` says which two terms are :math:`L_{fool}`, and `regularised` whether
    there are the two errors, whose weight is `reconstruction_weight`; both reach encoder and decoder. The terms of
    either :math:`L_{fool}` are computed, the other's have weight 0, so that the models can train as one. In a step the
    critic sees the pairs of both kinds as one batch. `encoder` and `decoder` have `draw` and `error`.
    """

    weight_options = frozenset({"reconstruction_weight"})
    fools: ClassVar[Literal["ratio", "ali"]]
    regularised: ClassVar[bool] = False
    encoder: Any
    decoder: Any
    discriminator: Callable[[Tensor, Tensor, Noise], Tensor]
    prior: Any
    model_config: Any
    likelihood: Any

    def phases(self) -> tuple[Phase, ...]:
        critics, others = self.model_config.steps
        critic = Phase("discriminator", ("discriminator",), self.critic_terms)
        return (critic,) * critics + (Phase("autoencoder", ("encoder", "decoder"), self.fooling_terms),) * others

    def weights(self, epoch: int) -> dict[str, float]:
        other = "ali" if self.fools == "ratio" else "ratio"
        weights = {f"{other}_of_encoder": 0.0, f"{other}_of_decoder": 0.0}
        if self.regularised:
            weights |= dict.fromkeys(("error_of_x", "error_of_z"), self.model_config.reconstruction_weight)
        return weights

    def pairs(self, x: Tensor, generator: Noise = None) -> tuple[Tensor, Tensor, Tensor]:
        """Return z~ of images x, and draws z of the prior with their x~."""
        z_of_x = self.encoder.draw(x, generator)
        z = self.prior.sample(len(x), generator, x.device)
        return z_of_x, z, self.decoder.draw(z, generator)

    def critic(
        self, x: Tensor, z_of_x: Tensor, x_of_z: Tensor, z: Tensor, generator: Noise = None
    ) -> tuple[Tensor, Tensor]:
        """Return f of the encoder's pairs and of the decoder's: [B], [B]."""
        f = self.discriminator(torch.cat([x, x_of_z]), torch.cat([z_of_x, z]), generator)
        return f[: len(x)], f[len(x) :]

    def critic_terms(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return what the critic minimises; no gradient passes into the pairs."""
        with torch.no_grad():
            z_of_x, z, x_of_z = self.pairs(batch.x, generator)
        return discriminator_terms(*self.critic(batch.x, z_of_x, x_of_z, z, generator))

    def fooling_terms(self, batch: Batch, generator: Noise = None) -> dict[str, Tensor]:
        """Return what encoder and decoder minimise."""
        return self._fooling(batch, self.pairs(batch.x, generator), generator)

    def _fooling(self, batch: Batch, pairs: tuple[Tensor, Tensor, Tensor], generator: Noise) -> dict[str, Tensor]:
        z_of_x, z, x_of_z = pairs
        f = self.critic(batch.x, z_of_x, x_of_z, z, generator)
        terms = symmetric_terms(*f) | ali_terms(*f)
        if self.regularised:
            terms["error_of_x"] = self.decoder.error(batch.x, z_of_x, generator)
            terms["error_of_z"] = self.encoder.error(z, x_of_z, generator)
        return terms

    def terms(self, batch: Batch, generator: Noise = None) -> Terms:
        """Return the terms of both kinds of step, for Pythae's `forward`, and the codes and images of a batch."""
        critic = self.critic_terms(batch, generator)
        pairs = self.pairs(batch.x, generator)
        losses = critic | self._fooling(batch, pairs, generator)
        return Terms(losses, pairs[0], self.likelihood(pairs[0]))


class Own:
    """Of a Pythae class whose networks are built from its configuration: it takes none, and is stored without them."""

    config_class: ClassVar[type]

    @classmethod
    def _load_model_config_from_folder(cls, dir_path: str) -> Any:
        return cls.config_class.from_json_file(f"{dir_path}/model_config.json")  # type: ignore[attr-defined]

    def _take(self, networks: tuple[Any, Any, Any], model_config: Any, given: tuple[Any, Any]) -> None:
        name = type(self).__name__
        if any(network is not None for network in given):
            raise ValueError(f"{name} builds its networks from the configuration; it takes none")
        encoder, decoder, discriminator = networks
        pythae.AE.__init__(self, model_config, encoder, decoder)
        self.discriminator, self.model_name = discriminator, name
        model_config.uses_default_encoder = model_config.uses_default_decoder = True


class _OfImages(Own, Adversarial, GaussianLatent, pythae.AE):
    """The networks of Table 3: a Gaussian encoder, and a decoder of whose p(x|z) the pairs have the mean."""

    capabilities = GaussianLatent.capabilities | {"critic"}
    shared: ClassVar[bool] = False

    def __init__(self, model_config: Any, encoder: Any = None, decoder: Any = None):
        self._take(networks_of(model_config, shared=self.shared), model_config, (encoder, decoder))

    def selection_loss(self, x: Tensor, generator: Noise = None) -> None:
        """Return None: the last epoch is kept."""


_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT)
class SymmetricVAEConfig(pythae.AEConfig):
    """sVAE. `steps` are those of the critic, and of encoder and decoder, on each batch."""

    reconstruction_loss: Literal["bce", "mse"] = "bce"
    network: SymmetricNetworkConfig = SymmetricNetworkConfig()
    steps: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.steps) < 1:
            raise ValueError("steps are two numbers, at least 1 each")


@dataclass(config=_STRICT)
class SymmetricVAERConfig(SymmetricVAEConfig):
    """sVAE-r. `reconstruction_weight` is the paper's lambda."""

    reconstruction_weight: float = 0.1


@dataclass(config=_STRICT)
class BidirectionalSymmetricVAERConfig(SymmetricVAERConfig):
    """sVAE-r on one network, the encoder's, which is read backwards to decode."""


@dataclass(config=_STRICT)
class ALIConfig(SymmetricVAEConfig):
    """ALI. `steps` as for sVAE."""


@dataclass(config=_STRICT)
class ALICEConfig(SymmetricVAERConfig):
    """ALICE. `reconstruction_weight` is the paper's lambda."""


class SymmetricVAE(_OfImages):
    """sVAE: the symmetric divergence of the two joint densities (Eq. 14, sVAE)."""

    config_class: ClassVar[type] = SymmetricVAEConfig
    fools, family = "ratio", "adversarial"


class SymmetricVAER(_OfImages):
    """sVAE-r: sVAE and lambda times the two errors (Eq. 29, sVAE)."""

    config_class: ClassVar[type] = SymmetricVAERConfig
    fools, regularised, family = "ratio", True, "adversarial, regularised"


class BidirectionalSymmetricVAER(SymmetricVAER):
    """sVAE-r whose encoder and decoder are the two directions of one network."""

    config_class: ClassVar[type] = BidirectionalSymmetricVAERConfig
    shared, family = True, ""


class ALI(_OfImages):
    """ALI in the form of Eq. 19, sVAE (Dumoulin et al. 2017)."""

    config_class: ClassVar[type] = ALIConfig
    fools, family = "ali", "adversarial"


class ALICE(_OfImages):
    """ALICE: ALI and lambda times the two errors (Li et al. 2017)."""

    config_class: ClassVar[type] = ALICEConfig
    fools, regularised, family = "ali", True, "adversarial, regularised"
