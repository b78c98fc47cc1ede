"""Pythae's ways of drawing codes from N(0, I), which its tools take for the prior of every model."""

from types import FrameType
from typing import Any

from models.distributions.densities import StandardNormal
from models.training import Objective

_SAMPLER = "pythae.samplers.normal_sampling.normal_sampler"


def draws_standard_normal(caller: FrameType, model: Any) -> bool:
    """Whether the caller is about to decode draws of N(0, I) that are not of the model's prior.

    These are Pythae's NormalSampler and, for a model with a loss of our own, its trainers' `predict`.
    """
    module = caller.f_globals.get("__name__", "")
    predicts = module.startswith("pythae.trainers.") and caller.f_code.co_name == "predict"
    if module != _SAMPLER and not (predicts and isinstance(model, Objective)):
        return False
    return not isinstance(getattr(model, "prior", StandardNormal(0)), StandardNormal)
