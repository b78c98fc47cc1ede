"""The suite's own small classifier, whose features stand in for Inception's where its weights are not to be had."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.data.eight_bit import to_uint8
from bench.errors import BadInput, Blank
from bench.evaluation.features.stored_network import kept_network

RECIPE = "conv3x3/2 32, conv3x3/2 64, linear 64, gelu; adamw 4e-3 one-cycle, batch 128, 3 epochs or 600 steps; v1"
BATCH, EPOCHS, LEAST_STEPS, PEAK_RATE, N_FEATURES = 128, 3, 600, 4e-3, 64


class SmallClassifier(nn.Module):
    """Two strided 3 x 3 convolutions and a layer of 64 features, then one logit per class or attribute."""

    def __init__(self, image_shape: tuple[int, int, int], n_outputs: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.image_shape, self.n_outputs = image_shape, n_outputs
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(64 * -(-height // 4) * -(-width // 4), N_FEATURES),
            nn.GELU(),
        )
        self.head = nn.Linear(N_FEATURES, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [B, n_outputs] of images [B, C, H, W] in [0, 1]."""
        return self.head(self.trunk(x))

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        """Return the penultimate activations, float32 [N, 64], of images [N, C, H, W], uint8 or float in [0, 1]."""
        return torch.cat([self.trunk(x) for x in _batches(images, _device(self))]).cpu().numpy()

    @torch.no_grad()
    def classes(self, features: np.ndarray) -> np.ndarray:
        """Return the most likely class, int64 [N], at features float32 [N, 64]."""
        return self.head(torch.from_numpy(features).to(_device(self))).argmax(dim=1).cpu().numpy()

    @torch.no_grad()
    def accuracy(self, images: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of labels [N] named rightly, or of attributes [N, A] averaged over all of them."""
        logits = torch.cat([self(x) for x in _batches(images, _device(self))]).cpu().numpy()
        guesses = logits.argmax(axis=1) if labels.ndim == 1 else (logits > 0)
        return float((guesses == labels).mean())


def _device(model: nn.Module) -> torch.device:
    """Return the device that the parameters lie on."""
    return next(model.parameters()).device


def _batches(images: np.ndarray, device: torch.device, size: int = 1000) -> Iterator[Tensor]:
    """Yield the images as float batches in [0, 1] on the device."""
    for start in range(0, len(images), size):
        yield torch.tensor(to_uint8(images[start : start + size]), device=device).float() / 255.0


def train_classifier(
    images: np.ndarray, labels: np.ndarray, n_outputs: int, seed: int, device: str = "cpu"
) -> SmallClassifier:
    """Train the classifier by cross-entropy: softmax over classes [N], or a sigmoid for each of the attributes [N, A].

    images: uint8 [N, C, H, W] of the training split. Three epochs, or as many as make 600 steps. The seed fixes the
    weights and the order of images; the global generator stays as it was. Raises BadInput where the
    numbers of images and labels differ.
    """
    if len(images) != len(labels) or not len(images):
        raise BadInput(f"the classifier got {len(images)} images and {len(labels)} labels; each image needs one")
    shape = (images.shape[1], images.shape[2], images.shape[3])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # the CPU generator alone; CUDA ones stay as they are
        model = SmallClassifier(shape, n_outputs).to(device)
    generator = torch.Generator().manual_seed(seed)
    targets = labels.astype(np.int64)
    per_epoch = -(-len(images) // BATCH)
    epochs = max(EPOCHS, -(-LEAST_STEPS // per_epoch))
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=epochs * per_epoch)
    for _ in range(epochs):
        for index in torch.randperm(len(images), generator=generator).split(BATCH):
            x, y = (torch.from_numpy(array[index.numpy()]).to(device) for array in (images, targets))
            logits = model(x.float() / 255.0)  # [B, n_outputs]; y is [B], or [B, A] for attributes
            multiple = y.ndim > 1
            loss = F.binary_cross_entropy_with_logits(logits, y.float()) if multiple else F.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval().requires_grad_(False)


def fingerprint(images: np.ndarray, labels: np.ndarray, seed: int) -> str:
    """Return the SHA-256 of all that the classifier is a function of: recipe, seed, training images and labels."""
    digest = hashlib.sha256(f"{RECIPE};{seed};{images.shape};{labels.shape}".encode())
    digest.update(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels.astype(np.int64)).data)
    return digest.hexdigest()


def cached_classifier(
    folder: Path, images: np.ndarray, labels: np.ndarray, n_outputs: int, seed: int, device: str = "cpu"
) -> SmallClassifier:
    """Return the classifier of these training images from the folder, trained and stored there at the first call.

    The file's name is a function of the training split and the seed (`fingerprint`); one that is damaged is made anew.
    The answer lies on the device. Raises Blank where there is nothing to learn: the labels tell one class alone.
    """
    if not (labels != labels[:1]).any():
        raise Blank("the training images are of one class: a classifier has nothing to learn")
    shape = (images.shape[1], images.shape[2], images.shape[3])
    return kept_network(
        folder / f"classifier-{fingerprint(images, labels, seed)[:16]}.pt",
        lambda: train_classifier(images, labels, n_outputs, seed, device),
        lambda: SmallClassifier(shape, n_outputs),
    ).to(device)
