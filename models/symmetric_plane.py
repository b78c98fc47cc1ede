"""The same four models on points of a plane, with noise fed to encoder and decoder (papers: ALICE; Figure 3, sVAE)."""

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from pythae import models as pythae
from torch import Tensor

from models.capabilities import PointLatent
from models.distributions import UnitGaussian
from models.noise import Noise, normal
from models.plane_networks import PlaneNetworkConfig, plane_networks
from models.symmetric import Adversarial, Own

_STRICT = ConfigDict(extra="forbid")


class _OfPoints(Own, Adversarial, PointLatent, pythae.AE):
    """Densities of neither encoder nor decoder: the errors are squared differences, of weight lambda each."""

    capabilities = PointLatent.capabilities | {"points"}

    def __init__(self, model_config: Any, encoder: Any = None, decoder: Any = None):
        self._take(plane_networks(model_config), model_config, (encoder, decoder))

    def reconstruct(self, inputs: Tensor, how: Literal["mean", "sample"] = "mean", generator: Noise = None) -> Tensor:
        """Return G(E(x, 0), 0), or G(E(x, e), e') with noise: [B, 1, 1, D] -> the same."""
        if how == "mean":
            return self.decode(self.embed(inputs))
        return self.decoder.draw(self.encoder.draw(inputs, generator), generator)

    def sample(self, n: int, generator: Noise = None) -> Tensor:
        """Return n draws G(z, e): [n, 1, 1, D]."""
        device = next(self.decoder.parameters()).device
        return self.decoder.draw(normal((n, self.model_config.latent_dim), generator, device), generator)

    def likelihood(self, z: Tensor) -> UnitGaussian:
        return UnitGaussian(self.decode(z))

    def selection_loss(self, x: Tensor, generator: Noise = None) -> None:  # type: ignore[override]
        """Return None: the last epoch is kept."""


@dataclass(config=_STRICT)
class PlaneSymmetricVAEConfig(pythae.AEConfig):
    """sVAE on points. `steps` are those of the critic, and of encoder and decoder, on each batch."""

    latent_dim: int = 2
    reconstruction_loss: Literal["mse"] = "mse"
    network: PlaneNetworkConfig = PlaneNetworkConfig()
    steps: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.steps) < 1:
            raise ValueError("steps are two numbers, at least 1 each")


@dataclass(config=_STRICT)
class PlaneSymmetricVAERConfig(PlaneSymmetricVAEConfig):
    """sVAE-r on points. `reconstruction_weight` is the paper's lambda."""

    reconstruction_weight: float = 0.1


@dataclass(config=_STRICT)
class PlaneALIConfig(PlaneSymmetricVAEConfig):
    """ALI on points."""


@dataclass(config=_STRICT)
class PlaneALICEConfig(PlaneSymmetricVAERConfig):
    """ALICE on points."""


class PlaneSymmetricVAE(_OfPoints):
    """sVAE on points (Eq. 14, sVAE)."""

    config_class: ClassVar[type] = PlaneSymmetricVAEConfig
    fools, family = "ratio", "adversarial, points"


class PlaneSymmetricVAER(_OfPoints):
    """sVAE-r on points (Eq. 29, sVAE)."""

    config_class: ClassVar[type] = PlaneSymmetricVAERConfig
    fools, regularised, family = "ratio", True, "adversarial, points, regularised"


class PlaneALI(_OfPoints):
    """ALI on points (Eq. 19, sVAE)."""

    config_class: ClassVar[type] = PlaneALIConfig
    fools, family = "ali", "adversarial, points"


class PlaneALICE(_OfPoints):
    """ALICE on points (Li et al. 2017)."""

    config_class: ClassVar[type] = PlaneALICEConfig
    fools, regularised, family = "ali", True, "adversarial, points, regularised"
