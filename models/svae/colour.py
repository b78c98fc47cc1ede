"""The same four models on colour images, with noise fed to all three networks (Tables 4 and 5, sVAE; papers: ALICE)."""

from typing import ClassVar, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from models.distributions.uniform_box import UniformBox
from models.svae.colour_networks import ColourNetworkConfig, colour_networks
from models.svae.implicit import Implicit
from models.svae.model import SymmetricVAEConfig

_STRICT = ConfigDict(extra="forbid")


class _OfColours(Implicit):
    """The prior is U(-1, 1), and the errors are absolute differences, of weight lambda each."""

    capabilities = Implicit.capabilities | {"prior"}
    networks = staticmethod(colour_networks)

    @property
    def prior(self) -> UniformBox:
        """The prior p(z)."""
        return UniformBox(self.model_config.latent_dim, 1.0)


@dataclass(config=_STRICT)
class ColourSymmetricVAEConfig(SymmetricVAEConfig):
    """sVAE on colour images. `steps` are those of the critic, and of encoder and decoder, on each batch.

    `reconstruction_loss` is a field of Pythae's that nothing here depends on.
    """

    reconstruction_loss: Literal["mse"] = "mse"
    network: ColourNetworkConfig = ColourNetworkConfig()


@dataclass(config=_STRICT)
class ColourSymmetricVAERConfig(ColourSymmetricVAEConfig):
    """sVAE-r on colour images. `reconstruction_weight` is the paper's lambda."""

    reconstruction_weight: float = 0.1


@dataclass(config=_STRICT)
class ColourALIConfig(ColourSymmetricVAEConfig):
    """ALI on colour images."""


@dataclass(config=_STRICT)
class ColourALICEConfig(ColourSymmetricVAERConfig):
    """ALICE on colour images."""


class ColourSymmetricVAE(_OfColours):
    """sVAE on colour images (Eq. 14, sVAE)."""

    config_class: ClassVar[type] = ColourSymmetricVAEConfig
    fools, family = "ratio", "adversarial, colour"


class ColourSymmetricVAER(_OfColours):
    """sVAE-r on colour images (Eq. 29, sVAE)."""

    config_class: ClassVar[type] = ColourSymmetricVAERConfig
    fools, regularised, family = "ratio", True, "adversarial, colour, regularised"


class ColourALI(_OfColours):
    """ALI on colour images (Eq. 19, sVAE)."""

    config_class: ClassVar[type] = ColourALIConfig
    fools, family = "ali", "adversarial, colour"


class ColourALICE(_OfColours):
    """ALICE on colour images (Li et al. 2017)."""

    config_class: ClassVar[type] = ColourALICEConfig
    fools, regularised, family = "ali", True, "adversarial, colour, regularised"
