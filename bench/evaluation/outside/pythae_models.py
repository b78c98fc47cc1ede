"""Models of Pythae's own classes, as its trainers write them, with the capabilities that they have."""

import json
import warnings
from pathlib import Path

import torch
from pythae import models as pythae
from pythae.models import AutoModel, BaseAE
from torch import Tensor, nn

from bench.errors import BadInput
from models import load_model
from models.capabilities import GaussianLatent, ImplicitLatent, PointLatent
from models.distributions.densities import StandardNormal
from models.distributions.priors import Prior
from models.pythae import latents


class _Prior(PointLatent):
    """An autoencoder whose codes are trained to follow N(0, I)."""

    capabilities = PointLatent.capabilities | {"prior"}

    @property
    def prior(self) -> Prior:
        """The prior p(z)."""
        return StandardNormal(self.model_config.latent_dim)


class _Quantised(PointLatent):
    """A VQ-VAE: its code is the vectors of the codebook nearest to what the encoder gives, laid out flat."""

    quantizer: nn.Module

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the quantised code: [N, C, H, W] -> [N, L]."""
        out = self.encoder(inputs).embedding
        self.grid = out.shape[1:]  # (L,), or (D, H', W')
        places = out[:, None, None] if out.ndim == 2 else out
        return self.quantizer(places.permute(0, 2, 3, 1)).quantized_vector.flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """Return the image of a code: [N, L] -> [N, C, H, W]."""
        return self.decoder(z.unflatten(1, self.grid)).reconstruction


_KINDS: dict[type[BaseAE], type] = {  # the most special first: a class of Pythae, and what it can do
    pythae.VAMP: latents.VAMP,
    pythae.VAE_LinNF: latents.LinNF,
    pythae.VAE_IAF: latents.IAF,
    pythae.SVAE: latents.SVAE,
    pythae.PoincareVAE: latents.PoincareVAE,
    pythae.RHVAE: latents.RHVAE,
    pythae.HVAE: latents.HVAE,
    pythae.MSSSIM_VAE: ImplicitLatent,
    pythae.VAEGAN: ImplicitLatent,
    pythae.VAE: GaussianLatent,
    pythae.VQVAE: _Quantised,
    pythae.WAE_MMD: _Prior,
    pythae.AE: PointLatent,
}


def open_pythae(folder: Path, trust_pickle: bool = False) -> BaseAE:
    """Return the model of a folder that Pythae or this project wrote, with its capabilities, in evaluation mode.

    `folder` is that of a model, of a training (its `final_model`), or one that holds trainings, of which the last
    counts. Raises BadInput for a folder without a model, of a class that is neither's, or with pickles, which run code
    when loaded, unless `trust_pickle`.
    """
    place = _model_folder(folder)
    try:
        config = json.loads((place / "model_config.json").read_text())
        ours = "network" in config
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{place / 'model_config.json'} is not the configuration of a model ({error})") from None
    if pickles := sorted(path.name for path in place.glob("*.pkl")):
        if not trust_pickle:
            raise BadInput(f"{place} holds {', '.join(pickles)}, which run code when loaded: --trust-pickle loads them")
    try:
        if ours:
            return load_model(place, trust_pickle)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return with_capabilities(AutoModel.load_from_folder(str(place)))
    except BadInput:
        raise
    except Exception as error:  # a file, or a class of the user's, can raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{place} cannot be opened as a model of Pythae: {reason}") from error


def from_hub(name: str, trust_pickle: bool = False) -> BaseAE:
    """Return a model of the Hugging Face hub through Pythae's own loader; raises BadInput where it gives none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return with_capabilities(AutoModel.load_from_hf_hub(name, allow_pickle=trust_pickle))
    except ModuleNotFoundError as error:
        raise BadInput(f"{name} is no folder here, and models of the hub need: pip install huggingface_hub") from error
    except Exception as error:  # the hub's client raises what it likes
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"{name} cannot be had from the Hugging Face hub: {reason}") from error


def with_capabilities(model: BaseAE) -> BaseAE:
    """Return a model of one of Pythae's classes as one that states what it can do; others as they are.

    The class of the object changes; its weights stay. Raises BadInput for a law that is not known here.
    """
    if hasattr(model, "capabilities"):
        return model.eval()
    found = next((can for kind, can in _KINDS.items() if isinstance(model, kind)), None)
    if found is None:
        raise BadInput(f"{type(model).__name__} does not say what it can do: give it `capabilities`, as GaussianLatent")
    if isinstance(model, pythae.PoincareVAE):
        _poincare(model)
    model.__class__ = _capable(type(model), found)
    if isinstance(model, pythae.RHVAE):
        model.fitted = True  # its matrices and centroids are those of training
    if isinstance(model, pythae.HVAE) and model.model_config.reconstruction_loss == "bce":
        decoder = model.decoder  # whose output Pythae takes for logits
        decoder.logits = lambda z: decoder(z).reconstruction
    return model.eval()


def _poincare(model: pythae.PoincareVAE) -> None:
    """Set what our class of it keeps elsewhere."""
    config = model.model_config
    laws = {config.prior_distribution, config.posterior_distribution}
    if laws != {"wrapped_normal"} or config.curvature != 1:
        raise BadInput("a Poincare VAE is measured with wrapped normal laws of curvature 1 alone")
    model._kind = model.__dict__.pop("posterior")
    model.__dict__.pop("prior", None)
    model.prior = latents.BallPrior(config.latent_dim, model._kind)


def _capable(kind: type[BaseAE], capabilities: type) -> type[BaseAE]:
    """Return a class of Pythae (or the user's, of one) with capabilities before its own methods."""
    bases = (capabilities,) if issubclass(capabilities, kind) else (capabilities, kind)
    return type(kind.__name__, bases, {"__module__": kind.__module__})


def _model_folder(folder: Path) -> Path:
    """Return the folder that holds model_config.json."""
    for place in (folder, folder / "final_model", folder / "model"):
        if (place / "model_config.json").is_file():
            return place
    found = sorted(folder.glob("*/final_model/model_config.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BadInput(f"{folder}: no model_config.json here, in final_model/ or in a training's folder: no model")
    return found[-1].parent


def input_shape(model: torch.nn.Module) -> tuple[int, ...] | None:
    """Return the shape of the images that a model takes, None where it does not say."""
    shape = getattr(getattr(model, "model_config", None), "input_dim", None)
    return None if shape is None else tuple(shape)
