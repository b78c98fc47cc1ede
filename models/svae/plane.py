"""The same four models on points of a plane, with noise fed to encoder and decoder (papers: ALICE; Figure 3, sVAE)."""

from typing import ClassVar, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from models.distributions.densities import StandardNormal
from models.svae.implicit import Implicit
from models.svae.model import SymmetricVAEConfig
from models.svae.plane_networks import PlaneNetworkConfig, plane_networks

_STRICT = ConfigDict(extra="forbid")


class _OfPoints(Implicit):
    """The errors are squared differences, of weight lambda each."""

    capabilities = Implicit.capabilities | {"points"}
    networks = staticmethod(plane_networks)

    @property
    def prior(self) -> StandardNormal:
        return StandardNormal(self.model_config.latent_dim)


@dataclass(config=_STRICT)
class PlaneSymmetricVAEConfig(SymmetricVAEConfig):
    """sVAE on points. `steps` are those of the critic, and of encoder and decoder, on each batch."""

    latent_dim: int = 2
    reconstruction_loss: Literal["mse"] = "mse"
    network: PlaneNetworkConfig = PlaneNetworkConfig()  # type: ignore[assignment]


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
