"""The same models on colour images, with noise fed to the networks (Tables 4 and 5, sVAE; papers: ALICE)."""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from models.distributions.uniform_box import UniformBox
from models.forms import forms
from models.svae.colour_networks import ColourNetworkConfig, colour_networks
from models.svae.implicit import Implicit
from models.svae.model import SymmetricVAEConfig, games


class OfColours(Implicit):
    """The prior is U(-1, 1), and the errors are absolute differences, of weight lambda each."""

    capabilities = Implicit.capabilities | {"prior"}
    kind = "colour"
    networks = staticmethod(colour_networks)

    @property
    def prior(self) -> UniformBox:
        """The prior p(z)."""
        return UniformBox(self.model_config.latent_dim, 1.0)


@dataclass(config=ConfigDict(extra="forbid"))
class ColourConfig(SymmetricVAEConfig):
    """Any of them on colour images. `steps` are those of the critic, and of encoder and decoder, on each batch.

    `reconstruction_loss` is a field of Pythae's that nothing here depends on.
    """

    reconstruction_loss: Literal["mse"] = "mse"
    network: ColourNetworkConfig = ColourNetworkConfig()


__getattr__ = forms(__name__, **games(OfColours, ColourConfig, "Colour"))
