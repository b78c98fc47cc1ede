"""What each model does in Pythae's own tools: the table of `docs/pythae.md`, as the classes declare it.

`python -m models.interface.table` prints it. Every entry is "yes", a trainer's name, or "no: the reason"; the contract
test does what each says.
"""

from typing import Any

from pythae import models as pythae

from models import MODELS, PREFIXES
from models.distributions.densities import StandardNormal
from models.distributions.vamp_prior import PythaeVampPrior
from models.distributions.von_mises_fisher import UniformSphere
from models.interface.samplers import prior_of
from models.interface.trainers import trainers_of
from models.training import Objective

TRAINERS = (
    "BaseTrainer",
    "AdversarialTrainer",
    "CoupledOptimizerTrainer",
    "CoupledOptimizerAdversarialTrainer",
)
_CHOSEN_BY_NAME = ("AdversarialTrainer", "CoupledOptimizerAdversarialTrainer")


def entries(model: Any) -> dict[str, str]:
    """Return the entries of a model, built as its configuration stands, by column."""
    kind = type(model)
    trainers, capabilities = trainers_of(kind), model.capabilities
    others = f"no: {' or '.join(trainers)}"
    bits, chain, grid = (word in capabilities for word in ("bits", "levels", "codebook"))
    longer = chain or "class_codes" in capabilities
    made = "no: its codes are bits" if bits else "no: its code holds images" if chain else ""
    prior = prior_of(model)
    normal = made or ("yes" if isinstance(prior, StandardNormal) else _PRIOR)
    lacking = [word for word in ("posterior", "prior", "likelihood") if word not in capabilities]
    row = {"save, load_model": "yes", "models.AutoModel": "yes", "pythae's AutoModel": "no: it knows its own names"}
    row["TrainingPipeline"] = trainers[0] if trainers[0] in _CHOSEN_BY_NAME else "BaseTrainer"
    row |= {trainer: "yes" if trainer in trainers else others for trainer in TRAINERS}
    row["steps_predict"] = made or ("yes" if normal == "yes" or _as_pythae(kind) else _PRIOR)
    row["NormalSampler"] = normal
    row["GaussianMixtureSampler"] = made or ("no: its code is a grid" if grid else "yes")
    row |= dict.fromkeys(("MAFSampler", "IAFSampler"), made or ("no: its code exceeds latent_dim" if longer else "yes"))
    two_stage = "yes" if isinstance(model, pythae.VAE) else "no: it is no VAE of Pythae"
    row["TwoStageVAESampler"] = two_stage
    sphere, vamp = isinstance(prior, UniformSphere), isinstance(prior, PythaeVampPrior)
    row["HypersphereUniformSampler"] = "yes" if sphere else "no: its prior is no sphere"
    row["VAMPSampler"] = "yes" if vamp else "no: its prior is not the law of Pythae's VAMP"
    row["PoincareDiskSampler"] = "yes" if isinstance(model, pythae.PoincareVAE) else "no: it is no Poincare VAE"
    row["RHVAESampler"] = "yes" if "metric" in capabilities else "no: it has no metric"
    row["PixelCNNSampler"] = "yes" if grid else "no: it has no codebook"
    row["get_nll"] = f"no: it has no {lacking[0]}" if lacking else "yes"
    row["own networks"] = _own_networks(model)
    family = kind.__name__.removeprefix(PREFIXES[MODELS[kind.__name__].variant])
    alone = family in _FLOAT32 or family.startswith(("Plane", "Colour"))
    row["double"] = "no: float32 alone" if alone else "yes"
    row["bfloat16"] = "no: float32 alone" if alone or family in _NO_BFLOAT16 else "yes"
    return row


_PRIOR = "no: its prior is not N(0, I)"
_FLOAT32 = ("AAE", "MSSSIMVAE", "RHVAE", "Untapped", "VAEGAN", "VAMP", "VQVAE")
_GAMES = ("ALI", "ALICE", "AVB", "GAN", "SymmetricVAE", "SymmetricVAER", "WGAN")
_NO_BFLOAT16 = (*_GAMES, "M2", "SelfVAE", "SVAE", "PoincareVAE")


def _as_pythae(kind: type) -> bool:
    """Whether a class keeps the loss, and so the habits, of Pythae's own."""
    return not issubclass(kind, Objective)


def _own_networks(model: Any) -> str:
    if model.shared:
        return "yes"
    if "bits" in model.capabilities:
        return "no: its networks make bits"
    return "yes" if model.replaceable else "no: its networks are those of its paper"


def page() -> str:
    """Return the table as Markdown, a line a model, with the default networks on images of 1 x 32 x 32."""
    rows = {}
    for name in MODELS:
        kind = MODELS[name].resolve()
        rows[name] = entries(kind(kind.config_class(input_dim=(1, 32, 32), latent_dim=64)))
    columns = list(next(iter(rows.values())))
    lines = ["| model | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(row[column] for column in columns) + " |" for name, row in rows.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
