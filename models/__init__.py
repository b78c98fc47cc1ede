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
    "StockVAE": ModelEntry("models.stock:StockVAE", "stock", "VAE"),
    "StockBetaVAE": ModelEntry("models.stock:StockBetaVAE", "stock", "beta-VAE"),
    "StockBetaTCVAE": ModelEntry("models.stock:StockBetaTCVAE", "stock", "beta-TCVAE"),
    "StockIWAE": ModelEntry("models.stock:StockIWAE", "stock", "IWAE"),
    "StockInfoVAE": ModelEntry("models.stock:StockInfoVAE", "stock", "InfoVAE-MMD"),
    "BidirectionalStockInfoVAE": ModelEntry("models.stock:BidirectionalStockInfoVAE", "bidirectional", "InfoVAE-MMD"),
    "StockDisentangledBetaVAE": ModelEntry("models.stock:StockDisentangledBetaVAE", "stock", "disentangled beta-VAE"),
    "BidirectionalStockDisentangledBetaVAE": ModelEntry(
        "models.stock:BidirectionalStockDisentangledBetaVAE", "bidirectional", "disentangled beta-VAE"
    ),
    "StockWAE": ModelEntry("models.stock:StockWAE", "stock", "WAE-MMD"),
    "StockRAE": ModelEntry("models.stock:StockRAE", "stock", "RAE-L2"),
    "LBAE": ModelEntry("models.bernoulli:LBAE", "unidirectional", "LBAE"),
    "BidirectionalLBAE": ModelEntry("models.bernoulli:BidirectionalLBAE", "bidirectional", "LBAE"),
}


def load_model(path: str | Path) -> "BaseAE":
    """Return a stored model in evaluation mode; `path` is a run's folder or the folder `model.save` wrote.

    Raises FileNotFoundError where there is no model, ValueError for a class that MODELS does not name or a model
    saved with a pickled encoder or decoder (loading it would run code).
    """
    folder = Path(path)
    folder = folder / "model" if (folder / "model").is_dir() else folder
    if not (folder / "model_config.json").is_file():
        raise FileNotFoundError(f"no model_config.json in {folder}: not a stored model")
    if pickles := sorted(p.name for p in folder.glob("*.pkl")):
        raise ValueError(f"{folder} holds {', '.join(pickles)}, which would run code when loaded")
    name = json.loads((folder / "model_config.json").read_text())["name"].removesuffix("Config")
    if name not in MODELS:
        raise ValueError(f"{folder} holds a {name}, which is not in the registry")
    return MODELS[name].resolve().load_from_folder(str(folder)).eval()
