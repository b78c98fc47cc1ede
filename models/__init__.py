"""Model classes that extend Pythae. `MODELS` names them without importing torch; `load_model` opens a stored one.

Floors: noise, kernels, networks, distributions, objectives, training, capabilities, interface, from_config,
bidirectional, forms, bvae, pythae, lbae, svae, untapped, selfvae.
"""

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pythae.models import BaseAE


class ModelEntry(NamedTuple):
    """Where a model class is, and what a listing says of it; `variant` is its column in the paired tables."""

    target: str
    variant: str
    title: str

    def resolve(self) -> "type[BaseAE]":
        """Import and return the class; its configuration class is its `config_class`."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)


# What stands before a model's name in each of its forms.
PREFIXES = {"unidirectional": "", "stock": "Stock", "corrected": "Corrected", "bidirectional": "Bidirectional"}

# What stands before the names of the first, in a stored configuration, where Pythae has a class of that name.
UNIDIRECTIONAL = "Unidirectional"

# The title of a model where it is not its name.
_TITLES = {
    "BetaVAE": "beta-VAE",
    "BetaTCVAE": "beta-TCVAE",
    "BetaIWAE": "beta-IWAE",
    "DisentangledBetaVAE": "disentangled beta-VAE",
    "LinNF": "VAE-LinNF",
    "IAF": "VAE-IAF",
    "WAE": "WAE-MMD",
    "InfoVAE": "InfoVAE-MMD",
    "VAEGAN": "VAE-GAN",
    "VQVAE": "VQ-VAE",
    "SVAE": "S-VAE",
    "PoincareVAE": "Poincare VAE",
    "RAEGP": "RAE-GP",
    "RAE": "RAE-L2",
    "MSSSIMVAE": "MSSSIM-VAE",
    "SymmetricVAE": "sVAE",
    "SymmetricVAER": "sVAE-r",
    "SelfVAE": "selfVAE",
    "PlaneSymmetricVAE": "sVAE (points)",
    "PlaneSymmetricVAER": "sVAE-r (points)",
    "PlaneALI": "ALI (points)",
    "PlaneALICE": "ALICE (points)",
    "ColourSymmetricVAE": "sVAE (colour)",
    "ColourSymmetricVAER": "sVAE-r (colour)",
    "ColourALI": "ALI (colour)",
    "ColourALICE": "ALICE (colour)",
    "ColourGAN": "GAN (colour)",
    "ColourWGAN": "WGAN (colour)",
}

# The models of each module, and the forms that each of them has there.
_FORMS = (
    ("bvae", "unidirectional bidirectional", "VAE BetaVAE BetaTCVAE IWAE BetaIWAE"),
    ("pythae.variational", "stock", "VAE BetaVAE BetaTCVAE IWAE MIWAE CIWAE"),
    ("pythae.variational", "stock bidirectional", "DisentangledBetaVAE InfoVAE MSSSIMVAE"),
    ("pythae.autoencoders", "stock", "RAE"),
    ("pythae.autoencoders", "stock bidirectional", "AE WAE VQVAE RAEGP"),
    ("pythae.latents", "stock", "VAMP LinNF HVAE"),
    ("pythae.latents", "stock bidirectional", "IAF RHVAE SVAE PoincareVAE"),
    ("pythae.several_optimisers", "stock", "FactorVAE PIWAE VAEGAN"),
    ("pythae.several_optimisers", "stock bidirectional", "AAE"),
    ("pythae.corrected", "corrected", "BetaTCVAE VAEGAN"),
    ("pythae.corrected", "corrected bidirectional", "FactorVAE VAMP LinNF HVAE"),
    ("pythae.corrected_importance", "corrected", "IWAE PIWAE"),
    ("pythae.corrected_importance", "corrected bidirectional", "MIWAE CIWAE"),
    ("lbae.model", "unidirectional bidirectional", "LBAE"),
    ("untapped.model", "unidirectional bidirectional", "M2 Untapped"),
    ("svae.model", "unidirectional", "SymmetricVAE ALI ALICE GAN WGAN AVB"),
    ("svae.model", "unidirectional bidirectional", "SymmetricVAER"),
    ("svae.plane", "unidirectional", "PlaneSymmetricVAE PlaneSymmetricVAER PlaneALI PlaneALICE"),
    ("svae.colour", "unidirectional", "ColourSymmetricVAE ColourSymmetricVAER ColourALI ColourALICE"),
    ("svae.colour", "unidirectional", "ColourGAN ColourWGAN"),
    ("selfvae.model", "unidirectional", "SelfVAE"),
)

# The key is the class's own name, by which a stored model is found again.
MODELS: dict[str, ModelEntry] = {
    PREFIXES[variant] + name: ModelEntry(f"models.{module}:{PREFIXES[variant]}{name}", variant, _TITLES.get(name, name))
    for module, variants, names in _FORMS
    for variant in variants.split()
    for name in names.split()
}

# Models of Pythae that one network cannot be, and why; every other has a bidirectional form.
NO_TWIN: dict[str, str] = {
    "PIWAE": "encoder and decoder follow different bounds, and one network cannot follow both",
    "VAEGAN": "encoder, decoder and discriminator play against one another, and one network cannot play both parts",
    "RAE": "it weighs the size of the decoder's weights alone, which would be the encoder's too",
}


def __getattr__(name: str) -> object:
    if name != "AutoModel":  # which is made when it is asked for, since it imports torch
        raise AttributeError(f"module 'models' has no attribute {name!r}")
    from pythae import models as pythae

    class AutoModel(pythae.AutoModel):
        """A drop-in for Pythae's: it opens what Pythae saved and what a model of ours saved."""

        @classmethod
        def load_from_folder(cls, dir_path: str) -> "BaseAE":
            """Return a stored model in evaluation mode. As with Pythae's, networks of the user's own are unpickled,
            which runs their code: `load_model` asks first. Raises as that does."""
            return load_model(dir_path, trust_pickle=True)

    globals()["AutoModel"] = AutoModel
    return AutoModel


def load_model(path: str | Path, trust_pickle: bool = False) -> "BaseAE":
    """Return a stored model in evaluation mode; `path` is a run's folder or the folder `model.save` wrote.

    A folder that Pythae's own class saved gives that class. Raises FileNotFoundError where there is no model,
    ValueError for files that are not what the run's manifest says, for a class that neither MODELS nor Pythae names, or
    for a model saved with a pickled encoder or decoder (loading it would run code), unless `trust_pickle` says to load
    it.
    """
    folder = Path(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    if not (folder / "model_config.json").is_file():
        raise FileNotFoundError(f"no model_config.json in {folder}: not a stored model")
    _check_manifest(folder)
    try:
        config = json.loads((folder / "model_config.json").read_text())
        stored = config["name"]
        name = stored.removeprefix(UNIDIRECTIONAL).removesuffix("Config")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / 'model_config.json'} is not the configuration of a model ({error})") from None
    if (pickles := sorted(p.name for p in folder.glob("*.pkl"))) and not trust_pickle:
        remedy = "--trust-pickle (in Python, trust_pickle=True) loads it"
        raise ValueError(f"{folder} holds {', '.join(pickles)}, which would run code when loaded; {remedy}")
    # those of ours that share a name with one of Pythae's have a field of their own
    if name in MODELS and not (MODELS[name].target.startswith("models.") and "network" not in config):
        return MODELS[name].resolve().load_from_folder(str(folder)).eval()
    from pythae import models as pythae

    if not hasattr(pythae, stored):
        raise ValueError(f"{folder} holds a {name}, which is not in the registry")
    return pythae.AutoModel.load_from_folder(str(folder)).eval()


def _check_manifest(folder: Path) -> None:
    """Raise ValueError for a file of a run's model that is not what manifest.json beside it says, or without one."""
    run = folder.parent
    if not any((run / name).is_file() for name in ("manifest.json", "trained.json")):
        return  # no run's folder
    try:
        sums = json.loads((run / "manifest.json").read_text())["files"]
        known = {name: known for name, known in sums.items() if name.startswith(f"{folder.name}/")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = {}
    if not known:
        raise ValueError(f"{run / 'manifest.json'} is absent or damaged: the model beside it cannot be checked")
    for name, right in known.items():
        try:
            with (run / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = None
        if found != right:
            raise ValueError(f"{run / name} is damaged: it is not what manifest.json says")
