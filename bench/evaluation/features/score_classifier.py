"""The classifier that inception scores of small images are taken by: that of ALICE's code for MNIST."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.data.places import cache_folder
from bench.data.types import ImageDataset
from bench.evaluation.features.stored_network import kept_network
from bench.metrics.types import Blank

SEED, BATCH_SHOWN = 0, 500
LEAST_STEPS = 600  # of few images, more epochs are made


@dataclass(frozen=True)
class Recipe:
    """How it is trained: passes over the images, turned and shifted copies beside each image, batch size, rate."""

    epochs: int
    copies: int
    batch: int
    rate: float


# "paper": 10 epochs of every image and 4 copies, batch 50, Adam at 1e-4 times 0.95 an epoch. "small" has no copies.
RECIPES = {"small": Recipe(2, 0, 100, 1e-3), "paper": Recipe(10, 4, 50, 1e-4)}
DECAY, TURN, SHIFT = 0.95, 15.0, (-2, 1)  # of the rate an epoch; degrees either way; pixels, both ends included


class ScoreClassifier(nn.Module):
    """Two 5 x 5 convolutions and a layer of 1,024 units; takes pixels x as (255 x - 127.5) / 255."""

    def __init__(self, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, 32, 5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(64 * (height // 4) * (width // 4), 1024), nn.BatchNorm1d(1024), nn.ReLU()),
            *(nn.Dropout(0.3), nn.Linear(1024, classes)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, k] of uint8 images [B, C, H, W]."""
        return self.layers((x.float() - 127.5) / 255)

    @torch.no_grad()
    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return p(class | image) [N, k] of uint8 images [N, C, H, W]."""
        device = next(self.parameters()).device
        parts = torch.from_numpy(images).split(BATCH_SHOWN)
        return torch.cat([self(part.to(device)).softmax(1) for part in parts]).cpu().numpy()


@lru_cache(maxsize=1)
def score_classifier(data: ImageDataset, recipe: str, device: str) -> ScoreClassifier:
    """Return the classifier of a data set's training images, trained once and kept in the cache folder.

    Its best epoch on the validation images is kept, as in ALICE's code. Raises Blank where labels are attributes, some
    are missing, or images are smaller than 4 pixels.
    """
    split = data.reference or data.train
    if split.labels.ndim > 1 or (split.labels < 0).any():
        raise Blank("labels are attributes, or are missing: no classifier can be trained")
    if not (split.labels != split.labels[0]).any():
        raise Blank("the training images are of one class: a classifier has nothing to learn")
    if min(data.shape[1:]) < 4:
        raise Blank("images of fewer than 4 x 4 pixels are too small for the scores' classifier")
    digest = hashlib.sha256(f"score classifier v2;{RECIPES[recipe]};{SEED};{len(data.classes)}".encode())
    for array in (split.images, split.labels, data.validation.images):
        digest.update(np.ascontiguousarray(array).data)
    path = cache_folder() / "reference" / f"score-classifier-{digest.hexdigest()[:24]}.pt"

    def untrained() -> ScoreClassifier:
        return ScoreClassifier(data.shape, len(data.classes)).to(device)

    def trained() -> ScoreClassifier:
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            model = untrained()
            _train(model, data, RECIPES[recipe])
        return model

    with torch.random.fork_rng():
        return kept_network(path, trained, untrained)


def _train(model: ScoreClassifier, data: ImageDataset, recipe: Recipe) -> None:
    split, device = data.reference or data.train, next(model.parameters()).device
    images, labels = (torch.from_numpy(a).to(device) for a in (split.images, split.labels))
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, DECAY)
    best, kept = -1.0, {}
    shown = len(images) * (1 + recipe.copies)
    for _ in range(max(recipe.epochs, -(-LEAST_STEPS * recipe.batch // shown))):
        model.train()
        order = torch.randperm(shown)
        for index in order.to(device).split(recipe.batch):
            if len(index) == 1:  # no batch statistic
                continue
            x = images[index % len(images)]
            x = torch.where((index < len(images))[:, None, None, None], x, _moved(x)) if recipe.copies else x
            optimiser.zero_grad()
            F.cross_entropy(model(x), labels[index % len(images)]).backward()
            optimiser.step()
        schedule.step()
        found = model.eval().probabilities(data.validation.images).argmax(1)
        accuracy = float((found == data.validation.labels).mean())
        if accuracy > best:
            best, kept = accuracy, {name: t.clone() for name, t in model.state_dict().items()}
    model.load_state_dict(kept)


def _moved(x: Tensor) -> Tensor:
    """Return images turned by up to 15 degrees and shifted by -2 to 1 pixels, each by draws of its own; as floats."""
    n, size = len(x), torch.tensor(x.shape[:1:-1], device=x.device)
    angle = torch.deg2rad((2 * torch.rand(n, device=x.device) - 1) * TURN)
    shift = torch.randint(SHIFT[0], SHIFT[1] + 1, (n, 2), device=x.device) * 2 / size
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(n, 2, 2)
    grid = F.affine_grid(torch.cat([turn, shift[:, :, None]], 2), list(x.shape), align_corners=False)
    return F.grid_sample(x.float(), grid, align_corners=False).to(x.dtype)
