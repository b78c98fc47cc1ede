"""Model classes that extend Pythae. `MODELS` names them without importing torch; `load_model` opens a stored one.

Floors: noise, kernels, distributions, networks, objectives, training, capabilities, bidirectional, bvae, pythae, lbae,
svae, untapped, selfvae.
"""

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pythae.models import BaseAE


class ModelEntry(NamedTuple):
    """Where a model class is, and what a listing says of it; `variant` is its column in the paired tables."""

    target: str
    variant: str
    title: str

    def resolve(self) -> Any:
        """Import and return the class; its configuration class is its `config_class`."""
        module, name = self.target.split(":")
        return getattr(import_module(module), name)


# The key is the class's own name, by which a stored model is found again.
MODELS: dict[str, ModelEntry] = {
    "VAE": ModelEntry("models.bvae:VAE", "unidirectional", "VAE"),
    "BetaVAE": ModelEntry("models.bvae:BetaVAE", "unidirectional", "beta-VAE"),
    "BetaTCVAE": ModelEntry("models.bvae:BetaTCVAE", "unidirectional", "beta-TCVAE"),
    "IWAE": ModelEntry("models.bvae:IWAE", "unidirectional", "IWAE"),
    "BetaIWAE": ModelEntry("models.bvae:BetaIWAE", "unidirectional", "beta-IWAE"),
    "BidirectionalVAE": ModelEntry("models.bvae:BidirectionalVAE", "bidirectional", "VAE"),
    "BidirectionalBetaVAE": ModelEntry("models.bvae:BidirectionalBetaVAE", "bidirectional", "beta-VAE"),
    "BidirectionalBetaTCVAE": ModelEntry("models.bvae:BidirectionalBetaTCVAE", "bidirectional", "beta-TCVAE"),
    "BidirectionalIWAE": ModelEntry("models.bvae:BidirectionalIWAE", "bidirectional", "IWAE"),
    "BidirectionalBetaIWAE": ModelEntry("models.bvae:BidirectionalBetaIWAE", "bidirectional", "beta-IWAE"),
    "StockAE": ModelEntry("models.pythae.autoencoders:StockAE", "stock", "AE"),
    "StockVAE": ModelEntry("models.pythae.variational:StockVAE", "stock", "VAE"),
    "StockBetaVAE": ModelEntry("models.pythae.variational:StockBetaVAE", "stock", "beta-VAE"),
    "StockDisentangledBetaVAE": ModelEntry(
        "models.pythae.variational:StockDisentangledBetaVAE", "stock", "disentangled beta-VAE"
    ),
    "StockBetaTCVAE": ModelEntry("models.pythae.variational:StockBetaTCVAE", "stock", "beta-TCVAE"),
    "StockFactorVAE": ModelEntry("models.pythae.several_optimisers:StockFactorVAE", "stock", "FactorVAE"),
    "StockIWAE": ModelEntry("models.pythae.variational:StockIWAE", "stock", "IWAE"),
    "StockMIWAE": ModelEntry("models.pythae.variational:StockMIWAE", "stock", "MIWAE"),
    "StockPIWAE": ModelEntry("models.pythae.several_optimisers:StockPIWAE", "stock", "PIWAE"),
    "StockCIWAE": ModelEntry("models.pythae.variational:StockCIWAE", "stock", "CIWAE"),
    "StockVAMP": ModelEntry("models.pythae.latents:StockVAMP", "stock", "VAMP"),
    "StockLinNF": ModelEntry("models.pythae.latents:StockLinNF", "stock", "VAE-LinNF"),
    "StockIAF": ModelEntry("models.pythae.latents:StockIAF", "stock", "VAE-IAF"),
    "StockHVAE": ModelEntry("models.pythae.latents:StockHVAE", "stock", "HVAE"),
    "StockRHVAE": ModelEntry("models.pythae.latents:StockRHVAE", "stock", "RHVAE"),
    "StockWAE": ModelEntry("models.pythae.autoencoders:StockWAE", "stock", "WAE-MMD"),
    "StockInfoVAE": ModelEntry("models.pythae.variational:StockInfoVAE", "stock", "InfoVAE-MMD"),
    "StockAAE": ModelEntry("models.pythae.several_optimisers:StockAAE", "stock", "AAE"),
    "StockVAEGAN": ModelEntry("models.pythae.several_optimisers:StockVAEGAN", "stock", "VAE-GAN"),
    "StockVQVAE": ModelEntry("models.pythae.autoencoders:StockVQVAE", "stock", "VQ-VAE"),
    "StockSVAE": ModelEntry("models.pythae.latents:StockSVAE", "stock", "S-VAE"),
    "StockPoincareVAE": ModelEntry("models.pythae.latents:StockPoincareVAE", "stock", "Poincare VAE"),
    "StockRAEGP": ModelEntry("models.pythae.autoencoders:StockRAEGP", "stock", "RAE-GP"),
    "StockRAE": ModelEntry("models.pythae.autoencoders:StockRAE", "stock", "RAE-L2"),
    "StockMSSSIMVAE": ModelEntry("models.pythae.variational:StockMSSSIMVAE", "stock", "MSSSIM-VAE"),
    "CorrectedBetaTCVAE": ModelEntry("models.pythae.corrected:CorrectedBetaTCVAE", "corrected", "beta-TCVAE"),
    "CorrectedFactorVAE": ModelEntry("models.pythae.corrected:CorrectedFactorVAE", "corrected", "FactorVAE"),
    "CorrectedIWAE": ModelEntry("models.pythae.corrected_importance:CorrectedIWAE", "corrected", "IWAE"),
    "CorrectedMIWAE": ModelEntry("models.pythae.corrected_importance:CorrectedMIWAE", "corrected", "MIWAE"),
    "CorrectedPIWAE": ModelEntry("models.pythae.corrected_importance:CorrectedPIWAE", "corrected", "PIWAE"),
    "CorrectedCIWAE": ModelEntry("models.pythae.corrected_importance:CorrectedCIWAE", "corrected", "CIWAE"),
    "CorrectedVAMP": ModelEntry("models.pythae.corrected:CorrectedVAMP", "corrected", "VAMP"),
    "CorrectedLinNF": ModelEntry("models.pythae.corrected:CorrectedLinNF", "corrected", "VAE-LinNF"),
    "CorrectedHVAE": ModelEntry("models.pythae.corrected:CorrectedHVAE", "corrected", "HVAE"),
    "CorrectedVAEGAN": ModelEntry("models.pythae.corrected:CorrectedVAEGAN", "corrected", "VAE-GAN"),
    "BidirectionalAE": ModelEntry("models.pythae.autoencoders:BidirectionalAE", "bidirectional", "AE"),
    "BidirectionalDisentangledBetaVAE": ModelEntry(
        "models.pythae.variational:BidirectionalDisentangledBetaVAE", "bidirectional", "disentangled beta-VAE"
    ),
    "BidirectionalFactorVAE": ModelEntry(
        "models.pythae.corrected:BidirectionalFactorVAE", "bidirectional", "FactorVAE"
    ),
    "BidirectionalMIWAE": ModelEntry("models.pythae.corrected_importance:BidirectionalMIWAE", "bidirectional", "MIWAE"),
    "BidirectionalCIWAE": ModelEntry("models.pythae.corrected_importance:BidirectionalCIWAE", "bidirectional", "CIWAE"),
    "BidirectionalVAMP": ModelEntry("models.pythae.corrected:BidirectionalVAMP", "bidirectional", "VAMP"),
    "BidirectionalLinNF": ModelEntry("models.pythae.corrected:BidirectionalLinNF", "bidirectional", "VAE-LinNF"),
    "BidirectionalIAF": ModelEntry("models.pythae.latents:BidirectionalIAF", "bidirectional", "VAE-IAF"),
    "BidirectionalHVAE": ModelEntry("models.pythae.corrected:BidirectionalHVAE", "bidirectional", "HVAE"),
    "BidirectionalRHVAE": ModelEntry("models.pythae.latents:BidirectionalRHVAE", "bidirectional", "RHVAE"),
    "BidirectionalWAE": ModelEntry("models.pythae.autoencoders:BidirectionalWAE", "bidirectional", "WAE-MMD"),
    "BidirectionalInfoVAE": ModelEntry(
        "models.pythae.variational:BidirectionalInfoVAE", "bidirectional", "InfoVAE-MMD"
    ),
    "BidirectionalAAE": ModelEntry("models.pythae.several_optimisers:BidirectionalAAE", "bidirectional", "AAE"),
    "BidirectionalVQVAE": ModelEntry("models.pythae.autoencoders:BidirectionalVQVAE", "bidirectional", "VQ-VAE"),
    "BidirectionalSVAE": ModelEntry("models.pythae.latents:BidirectionalSVAE", "bidirectional", "S-VAE"),
    "BidirectionalPoincareVAE": ModelEntry(
        "models.pythae.latents:BidirectionalPoincareVAE", "bidirectional", "Poincare VAE"
    ),
    "BidirectionalRAEGP": ModelEntry("models.pythae.autoencoders:BidirectionalRAEGP", "bidirectional", "RAE-GP"),
    "BidirectionalMSSSIMVAE": ModelEntry(
        "models.pythae.variational:BidirectionalMSSSIMVAE", "bidirectional", "MSSSIM-VAE"
    ),
    "LBAE": ModelEntry("models.lbae.model:LBAE", "unidirectional", "LBAE"),
    "BidirectionalLBAE": ModelEntry("models.lbae.model:BidirectionalLBAE", "bidirectional", "LBAE"),
    "M2": ModelEntry("models.untapped.model:M2", "unidirectional", "M2"),
    "Untapped": ModelEntry("models.untapped.model:Untapped", "unidirectional", "Untapped"),
    "BidirectionalM2": ModelEntry("models.untapped.model:BidirectionalM2", "bidirectional", "M2"),
    "BidirectionalUntapped": ModelEntry("models.untapped.model:BidirectionalUntapped", "bidirectional", "Untapped"),
    "SymmetricVAE": ModelEntry("models.svae.model:SymmetricVAE", "unidirectional", "sVAE"),
    "SymmetricVAER": ModelEntry("models.svae.model:SymmetricVAER", "unidirectional", "sVAE-r"),
    "BidirectionalSymmetricVAER": ModelEntry("models.svae.model:BidirectionalSymmetricVAER", "bidirectional", "sVAE-r"),
    "ALI": ModelEntry("models.svae.model:ALI", "unidirectional", "ALI"),
    "ALICE": ModelEntry("models.svae.model:ALICE", "unidirectional", "ALICE"),
    "SelfVAE": ModelEntry("models.selfvae.model:SelfVAE", "unidirectional", "selfVAE"),
    "PlaneSymmetricVAE": ModelEntry("models.svae.plane:PlaneSymmetricVAE", "unidirectional", "sVAE (points)"),
    "PlaneSymmetricVAER": ModelEntry("models.svae.plane:PlaneSymmetricVAER", "unidirectional", "sVAE-r (points)"),
    "PlaneALI": ModelEntry("models.svae.plane:PlaneALI", "unidirectional", "ALI (points)"),
    "PlaneALICE": ModelEntry("models.svae.plane:PlaneALICE", "unidirectional", "ALICE (points)"),
    "ColourSymmetricVAE": ModelEntry("models.svae.colour:ColourSymmetricVAE", "unidirectional", "sVAE (colour)"),
    "ColourSymmetricVAER": ModelEntry("models.svae.colour:ColourSymmetricVAER", "unidirectional", "sVAE-r (colour)"),
    "ColourALI": ModelEntry("models.svae.colour:ColourALI", "unidirectional", "ALI (colour)"),
    "ColourALICE": ModelEntry("models.svae.colour:ColourALICE", "unidirectional", "ALICE (colour)"),
}

# Models of Pythae that one network cannot be, and why; every other has a bidirectional form.
NO_TWIN: dict[str, str] = {
    "PIWAE": "encoder and decoder follow different bounds, and one network cannot follow both",
    "VAEGAN": "encoder, decoder and discriminator play against one another, and one network cannot play both parts",
    "RAE": "it weighs the size of the decoder's weights alone, which would be the encoder's too",
}


def load_model(path: str | Path, trust_pickle: bool = False) -> "BaseAE":
    """Return a stored model in evaluation mode; `path` is a run's folder or the folder `model.save` wrote.

    Raises FileNotFoundError where there is no model, ValueError for files that are not what the run's manifest says,
    for a class that MODELS does not name, such as one that Pythae itself saved, or for a model saved with a pickled
    encoder or decoder (loading it would run code), unless `trust_pickle` says to load it.
    """
    folder = Path(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    if not (folder / "model_config.json").is_file():
        raise FileNotFoundError(f"no model_config.json in {folder}: not a stored model")
    _check_manifest(folder)
    try:
        config = json.loads((folder / "model_config.json").read_text())
        name = config["name"].removesuffix("Config").removesuffix("_")  # Pythae's RAE_L2 has a RAE_L2_Config
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / 'model_config.json'} is not the configuration of a model ({error})") from None
    if pickles := sorted(p.name for p in folder.glob("*.pkl")):
        if not trust_pickle:
            files = ", ".join(pickles)
            raise ValueError(f"{folder} holds {files}, which would run code when loaded; --trust-pickle loads it")
        if name not in MODELS or MODELS[name].target.startswith("models."):  # classes of ours never write pickles
            from pythae.models import AutoModel

            return AutoModel.load_from_folder(str(folder)).eval()
    if name in MODELS and MODELS[name].target.startswith("models.") and "network" not in config:  # ours always has one
        raise ValueError(f"{folder} holds the {name} of Pythae, not ours: its AutoModel.load_from_folder opens it")
    if name not in MODELS:
        raise ValueError(f"{folder} holds a {name}, which is not in the registry")
    return MODELS[name].resolve().load_from_folder(str(folder)).eval()


def _check_manifest(folder: Path) -> None:
    """Raise ValueError for a file of a run's model that is not what manifest.json beside it says, or without one."""
    run = folder.parent
    if not any((run / name).is_file() for name in ("manifest.json", "trained.json")):
        return  # no run's folder
    try:
        sums = json.loads((run / "manifest.json").read_text())["files"]
        known = {name: known for name, known in sums.items() if name.startswith(f"{folder.name}/")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
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
