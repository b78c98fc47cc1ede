"""Pythae's ways of drawing codes from a law of their own, which its tools take for the prior of every model."""

from types import FrameType

from models.distributions.densities import StandardNormal
from models.distributions.vamp_prior import PythaeVampPrior
from models.distributions.von_mises_fisher import UniformSphere
from models.training import Objective

# The law of each module that draws, and its name.
_LAWS: dict[str, tuple[type, str]] = {
    "normal_sampling.normal_sampler": (StandardNormal, "N(0, I)"),
    "hypersphere_uniform_sampler.hypersphere_uniform_sampler": (UniformSphere, "the uniform law on the sphere"),
    "vamp_sampler.vamp_sampler": (PythaeVampPrior, "the law that Pythae's VAMPSampler draws from"),
}


def other_law(caller: FrameType, model: object) -> str | None:
    """Return the law that the caller is about to decode draws of, where it is not the model's prior.

    Callers are Pythae's samplers and, for a model with a loss of our own, its trainers' `predict`.
    """
    module = caller.f_globals.get("__name__", "")
    law, name = _LAWS.get(module.removeprefix("pythae.samplers."), (None, ""))
    if module.startswith("pythae.trainers.") and caller.f_code.co_name == "predict" and isinstance(model, Objective):
        law, name = _LAWS["normal_sampling.normal_sampler"]
    return None if law is None or isinstance(prior_of(model), law) else name


def prior_of(model: object) -> object:
    """Return the prior of a model, N(0, I) where it has none: what Pythae takes for it."""
    return getattr(model, "prior", StandardNormal(0))
