"""The name under which a configuration is stored, and by which Pythae's AutoModel or ours finds the class."""

from typing import Any

from pythae import models as pythae
from pythae.models import BaseAEConfig

from models import UNIDIRECTIONAL


def to_dict(config: BaseAEConfig) -> dict[str, Any]:
    """Return a configuration as it is stored; of a class that shares its name with one of Pythae's, under its own.

    A VAE or beta-VAE whose networks are all the user's and whose prior is N(0, I) is Pythae's own, up to the constant
    of ln p(x|z): it keeps Pythae's name, so that Pythae opens it too.
    """
    values = BaseAEConfig.to_dict(config)
    return values | {"name": values["name"] if _is_pythaes(config) else UNIDIRECTIONAL + values["name"]}


def _is_pythaes(config: Any) -> bool:
    if not hasattr(pythae, config.name):
        return True
    if config.name not in ("VAEConfig", "BetaVAEConfig") or config.prior.kind != "standard":
        return False
    ours = config.uses_default_encoder or config.uses_default_decoder
    return not ours and config.reconstruction_loss in ("mse", "bce")
