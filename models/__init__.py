"""Model classes that extend Pythae. `MODELS` names them without importing torch; `load_model` opens a stored one."""

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
    "VAE": ModelEntry("models.variational:VAE", "unidirectional", "VAE"),
    "BetaVAE": ModelEntry("models.variational:BetaVAE", "unidirectional", "beta-VAE"),
    "BetaTCVAE": ModelEntry("models.variational:BetaTCVAE", "unidirectional", "beta-TCVAE"),
    "IWAE": ModelEntry("models.variational:IWAE", "unidirectional", "IWAE"),
    "BetaIWAE": ModelEntry("models.variational:BetaIWAE", "unidirectional", "beta-IWAE"),
    "BidirectionalVAE": ModelEntry("models.variational:BidirectionalVAE", "bidirectional", "VAE"),
    "BidirectionalBetaVAE": ModelEntry("models.variational:BidirectionalBetaVAE", "bidirectional", "beta-VAE"),
    "BidirectionalBetaTCVAE": ModelEntry("models.variational:BidirectionalBetaTCVAE", "bidirectional", "beta-TCVAE"),
    "BidirectionalIWAE": ModelEntry("models.variational:BidirectionalIWAE", "bidirectional", "IWAE"),
    "BidirectionalBetaIWAE": ModelEntry("models.variational:BidirectionalBetaIWAE", "bidirectional", "beta-IWAE"),
    "StockAE": ModelEntry("models.stock_point:StockAE", "stock", "AE"),
    "StockVAE": ModelEntry("models.stock:StockVAE", "stock", "VAE"),
    "StockBetaVAE": ModelEntry("models.stock:StockBetaVAE", "stock", "beta-VAE"),
    "StockDisentangledBetaVAE": ModelEntry("models.stock:StockDisentangledBetaVAE", "stock", "disentangled beta-VAE"),
    "StockBetaTCVAE": ModelEntry("models.stock:StockBetaTCVAE", "stock", "beta-TCVAE"),
    "StockFactorVAE": ModelEntry("models.stock_routed:StockFactorVAE", "stock", "FactorVAE"),
    "StockIWAE": ModelEntry("models.stock:StockIWAE", "stock", "IWAE"),
    "StockMIWAE": ModelEntry("models.stock:StockMIWAE", "stock", "MIWAE"),
    "StockPIWAE": ModelEntry("models.stock_routed:StockPIWAE", "stock", "PIWAE"),
    "StockCIWAE": ModelEntry("models.stock:StockCIWAE", "stock", "CIWAE"),
    "StockVAMP": ModelEntry("models.stock_latents:StockVAMP", "stock", "VAMP"),
    "StockLinNF": ModelEntry("models.stock_latents:StockLinNF", "stock", "VAE-LinNF"),
    "StockIAF": ModelEntry("models.stock_latents:StockIAF", "stock", "VAE-IAF"),
    "StockHVAE": ModelEntry("models.stock_latents:StockHVAE", "stock", "HVAE"),
    "StockRHVAE": ModelEntry("models.stock_latents:StockRHVAE", "stock", "RHVAE"),
    "StockWAE": ModelEntry("models.stock_point:StockWAE", "stock", "WAE-MMD"),
    "StockInfoVAE": ModelEntry("models.stock:StockInfoVAE", "stock", "InfoVAE-MMD"),
    "StockAAE": ModelEntry("models.stock_routed:StockAAE", "stock", "AAE"),
    "StockVAEGAN": ModelEntry("models.stock_routed:StockVAEGAN", "stock", "VAE-GAN"),
    "StockVQVAE": ModelEntry("models.stock_point:StockVQVAE", "stock", "VQ-VAE"),
    "StockSVAE": ModelEntry("models.stock_latents:StockSVAE", "stock", "S-VAE"),
    "StockPoincareVAE": ModelEntry("models.stock_latents:StockPoincareVAE", "stock", "Poincare VAE"),
    "StockRAEGP": ModelEntry("models.stock_point:StockRAEGP", "stock", "RAE-GP"),
    "StockRAE": ModelEntry("models.stock_point:StockRAE", "stock", "RAE-L2"),
    "StockMSSSIMVAE": ModelEntry("models.stock:StockMSSSIMVAE", "stock", "MSSSIM-VAE"),
    "CorrectedBetaTCVAE": ModelEntry("models.corrected:CorrectedBetaTCVAE", "corrected", "beta-TCVAE"),
    "CorrectedFactorVAE": ModelEntry("models.corrected:CorrectedFactorVAE", "corrected", "FactorVAE"),
    "CorrectedIWAE": ModelEntry("models.corrected_importance:CorrectedIWAE", "corrected", "IWAE"),
    "CorrectedMIWAE": ModelEntry("models.corrected_importance:CorrectedMIWAE", "corrected", "MIWAE"),
    "CorrectedPIWAE": ModelEntry("models.corrected_importance:CorrectedPIWAE", "corrected", "PIWAE"),
    "CorrectedCIWAE": ModelEntry("models.corrected_importance:CorrectedCIWAE", "corrected", "CIWAE"),
    "CorrectedVAMP": ModelEntry("models.corrected:CorrectedVAMP", "corrected", "VAMP"),
    "CorrectedLinNF": ModelEntry("models.corrected:CorrectedLinNF", "corrected", "VAE-LinNF"),
    "CorrectedHVAE": ModelEntry("models.corrected:CorrectedHVAE", "corrected", "HVAE"),
    "CorrectedVAEGAN": ModelEntry("models.corrected:CorrectedVAEGAN", "corrected", "VAE-GAN"),
    "BidirectionalAE": ModelEntry("models.stock_point:BidirectionalAE", "bidirectional", "AE"),
    "BidirectionalDisentangledBetaVAE": ModelEntry(
        "models.stock:BidirectionalDisentangledBetaVAE", "bidirectional", "disentangled beta-VAE"
    ),
    "BidirectionalFactorVAE": ModelEntry("models.corrected:BidirectionalFactorVAE", "bidirectional", "FactorVAE"),
    "BidirectionalMIWAE": ModelEntry("models.corrected_importance:BidirectionalMIWAE", "bidirectional", "MIWAE"),
    "BidirectionalCIWAE": ModelEntry("models.corrected_importance:BidirectionalCIWAE", "bidirectional", "CIWAE"),
    "BidirectionalVAMP": ModelEntry("models.corrected:BidirectionalVAMP", "bidirectional", "VAMP"),
    "BidirectionalLinNF": ModelEntry("models.corrected:BidirectionalLinNF", "bidirectional", "VAE-LinNF"),
    "BidirectionalIAF": ModelEntry("models.stock_latents:BidirectionalIAF", "bidirectional", "VAE-IAF"),
    "BidirectionalHVAE": ModelEntry("models.corrected:BidirectionalHVAE", "bidirectional", "HVAE"),
    "BidirectionalRHVAE": ModelEntry("models.stock_latents:BidirectionalRHVAE", "bidirectional", "RHVAE"),
    "BidirectionalWAE": ModelEntry("models.stock_point:BidirectionalWAE", "bidirectional", "WAE-MMD"),
    "BidirectionalInfoVAE": ModelEntry("models.stock:BidirectionalInfoVAE", "bidirectional", "InfoVAE-MMD"),
    "BidirectionalAAE": ModelEntry("models.stock_routed:BidirectionalAAE", "bidirectional", "AAE"),
    "BidirectionalVQVAE": ModelEntry("models.stock_point:BidirectionalVQVAE", "bidirectional", "VQ-VAE"),
    "BidirectionalSVAE": ModelEntry("models.stock_latents:BidirectionalSVAE", "bidirectional", "S-VAE"),
    "BidirectionalPoincareVAE": ModelEntry(
        "models.stock_latents:BidirectionalPoincareVAE", "bidirectional", "Poincare VAE"
    ),
    "BidirectionalRAEGP": ModelEntry("models.stock_point:BidirectionalRAEGP", "bidirectional", "RAE-GP"),
    "BidirectionalMSSSIMVAE": ModelEntry("models.stock:BidirectionalMSSSIMVAE", "bidirectional", "MSSSIM-VAE"),
    "LBAE": ModelEntry("models.bernoulli:LBAE", "unidirectional", "LBAE"),
    "BidirectionalLBAE": ModelEntry("models.bernoulli:BidirectionalLBAE", "bidirectional", "LBAE"),
    "M2": ModelEntry("models.untapped:M2", "unidirectional", "M2"),
    "Untapped": ModelEntry("models.untapped:Untapped", "unidirectional", "Untapped"),
    "BidirectionalM2": ModelEntry("models.untapped:BidirectionalM2", "bidirectional", "M2"),
    "BidirectionalUntapped": ModelEntry("models.untapped:BidirectionalUntapped", "bidirectional", "Untapped"),
    "SymmetricVAE": ModelEntry("models.symmetric:SymmetricVAE", "unidirectional", "sVAE"),
    "SymmetricVAER": ModelEntry("models.symmetric:SymmetricVAER", "unidirectional", "sVAE-r"),
    "BidirectionalSymmetricVAER": ModelEntry("models.symmetric:BidirectionalSymmetricVAER", "bidirectional", "sVAE-r"),
    "ALI": ModelEntry("models.symmetric:ALI", "unidirectional", "ALI"),
    "ALICE": ModelEntry("models.symmetric:ALICE", "unidirectional", "ALICE"),
    "SelfVAE": ModelEntry("models.selfvae:SelfVAE", "unidirectional", "selfVAE"),
    "PlaneSymmetricVAE": ModelEntry("models.symmetric_plane:PlaneSymmetricVAE", "unidirectional", "sVAE (points)"),
    "PlaneSymmetricVAER": ModelEntry("models.symmetric_plane:PlaneSymmetricVAER", "unidirectional", "sVAE-r (points)"),
    "PlaneALI": ModelEntry("models.symmetric_plane:PlaneALI", "unidirectional", "ALI (points)"),
    "PlaneALICE": ModelEntry("models.symmetric_plane:PlaneALICE", "unidirectional", "ALICE (points)"),
    "ColourSymmetricVAE": ModelEntry("models.symmetric_colour:ColourSymmetricVAE", "unidirectional", "sVAE (colour)"),
    "ColourSymmetricVAER": ModelEntry(
        "models.symmetric_colour:ColourSymmetricVAER", "unidirectional", "sVAE-r (colour)"
    ),
    "ColourALI": ModelEntry("models.symmetric_colour:ColourALI", "unidirectional", "ALI (colour)"),
    "ColourALICE": ModelEntry("models.symmetric_colour:ColourALICE", "unidirectional", "ALICE (colour)"),
}

# Models of Pythae that one network cannot be, and why; every other has a bidirectional form.
NO_TWIN: dict[str, str] = {
    "PIWAE": "encoder and decoder follow different bounds, and one network cannot follow both",
    "VAEGAN": "encoder, decoder and discriminator play against one another, and one network cannot play both parts",
    "RAE": "it weighs the size of the decoder's weights alone, which would be the encoder's too",
}


def load_model(path: str | Path, trust_pickle: bool = False) -> "BaseAE":
    """Return a stored model in evaluation mode; `path` is a run's folder or the folder `model.save` wrote.

    Raises FileNotFoundError where there is no model, ValueError for a class that MODELS does not name or a model
    saved with a pickled encoder or decoder (loading it would run code), unless `trust_pickle` says to load it.
    """
    folder = Path(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    if not (folder / "model_config.json").is_file():
        raise FileNotFoundError(f"no model_config.json in {folder}: not a stored model")
    name = json.loads((folder / "model_config.json").read_text())["name"].removesuffix("Config")
    if pickles := sorted(p.name for p in folder.glob("*.pkl")):
        if not trust_pickle:
            files = ", ".join(pickles)
            raise ValueError(f"{folder} holds {files}, which would run code when loaded; --trust-pickle loads it")
        if name not in MODELS or MODELS[name].target.startswith("models."):  # classes of ours never write pickles
            from pythae.models import AutoModel

            return AutoModel.load_from_folder(str(folder)).eval()
    if name not in MODELS:
        raise ValueError(f"{folder} holds a {name}, which is not in the registry")
    return MODELS[name].resolve().load_from_folder(str(folder)).eval()
