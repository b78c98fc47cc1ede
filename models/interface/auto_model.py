"""Pythae's AutoModel, which opens the models of MODELS too."""

from pythae import models as pythae
from pythae.models import BaseAE

from models import load_model


class AutoModel(pythae.AutoModel):
    """A drop-in for Pythae's: it opens what Pythae saved and what a model of ours saved."""

    @classmethod
    def load_from_folder(cls, dir_path: str) -> BaseAE:
        """Return a stored model in evaluation mode. As with Pythae's, networks of the user's own are unpickled, which
        runs their code: `models.load_model` asks first. Raises as that does."""
        return load_model(dir_path, trust_pickle=True)
