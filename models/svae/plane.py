"""The same models on points of a plane, with noise fed to encoder and decoder (papers: ALICE; Figure 3, sVAE)."""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from models.distributions.densities import StandardNormal
from models.forms import forms
from models.svae.implicit import Implicit
from models.svae.model import SymmetricVAEConfig, games
from models.svae.plane_networks import PlaneNetworkConfig, plane_networks


class OfPoints(Implicit):
    """The errors are squared differences, of weight lambda each."""

    capabilities = Implicit.capabilities | {"points"}
    kind = "points"
    networks = staticmethod(plane_networks)

    @property
    def prior(self) -> StandardNormal:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)


@dataclass(config=ConfigDict(extra="forbid"))
class PlaneConfig(SymmetricVAEConfig):
    """Any of them on points. `steps` are those of the critic, and of encoder and decoder, on each batch."""

    latent_dim: int = 2
    reconstruction_loss: Literal["mse"] = "mse"
    network: PlaneNetworkConfig = PlaneNetworkConfig()  # type: ignore[assignment]


__getattr__ = forms(__name__, **games(OfPoints, PlaneConfig, "Plane"))
