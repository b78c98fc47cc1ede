"""How strongly a critic moves a trained decoder while it learns to tell its pairs: Section 4.4, sVAE."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.svae.losses import ali_terms, literal_ali_terms, symmetric_terms
from models.training import Batch, as_float

BATCH, LOOKED_AT = 64, 256  # images of a step, and of the batch that is looked at
RATE, BETAS = 1e-3, (0.5, 0.999)
STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256)  # of the critic, after which it is looked at
LOSSES: dict[str, Callable[[Tensor, Tensor], dict[str, Tensor]]] = {
    "symmetric": symmetric_terms,  # Eq. 14
    "ali": ali_terms,  # Eq. 19
    "literal": literal_ali_terms,  # Eq. 18
}


def critic_study(
    model: Any, train: np.ndarray, test: np.ndarray, seed: int, device: torch.device
) -> dict[str, list[float]]:
    """Return, for a new critic after each number of STEPS, its accuracy in percent on pairs of test images, and the
    norm of the gradient of each of LOSSES in the decoder's parameters on the same pairs.

    Encoder and decoder stay as they are, so that the losses are compared at the same critic; all networks are in
    training mode, as they were when they met. train, test: images [N, C, H, W].
    """
    devices = [] if torch.device(device).type == "cpu" else [device]
    with torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)  # of the critic's weights, and of dropout
        game = deepcopy(model)
        game.discriminator = type(model)(deepcopy(model.model_config)).discriminator.to(device)
        game.train()
        noise = torch.Generator(device).manual_seed(seed)
        looked_at = as_float(torch.from_numpy(test[:LOOKED_AT]).to(device))
        optimiser = torch.optim.Adam(game.discriminator.parameters(), RATE, BETAS)
        found: dict[str, list[float]] = {name: [] for name in ("steps", "accuracy", *LOSSES)}
        for step, x in enumerate(_batches(train, seed, device)):
            if step in STEPS:
                for name, value in _look(game, looked_at, seed).items():
                    found[name].append(value)
                found["steps"].append(step)
            if step == STEPS[-1]:
                return found
            optimiser.zero_grad()
            torch.stack([term.mean() for term in game.critic_terms(Batch(x), noise).values()]).sum().backward()
            optimiser.step()
    raise AssertionError("the batches do not end")


def _look(game: Any, x: Tensor, seed: int) -> dict[str, float]:
    """Return the critic's accuracy and the losses' gradient norms on one batch of pairs, the same at every call."""
    noise = torch.Generator(x.device).manual_seed(seed)
    z_of_x, z, x_of_z = game.pairs(x, noise)
    f = game.critic(x, z_of_x, x_of_z, z, noise)
    accuracy = 50 * float((f[0] < 0).float().mean() + (f[1] > 0).float().mean())
    parameters = list(game.decoder.parameters())
    found = {"accuracy": accuracy}
    for name, terms in LOSSES.items():
        loss = torch.stack([term.mean() for term in terms(*f).values()]).sum()
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        found[name] = float(torch.stack([g.square().sum() for g in gradients if g is not None]).sum().sqrt())
    return found


def _batches(images: np.ndarray, seed: int, device: torch.device) -> Iterator[Tensor]:
    """Yield batches without end, in one shuffled order."""
    order = np.random.default_rng(seed).permutation(len(images))
    starts = range(0, max(1, len(order) - BATCH + 1), BATCH)
    for start in cycle(starts):
        yield as_float(torch.from_numpy(images[order[start : start + BATCH]]).to(device))
