"""Images that stay on the device as they are stored, cut into batches by index."""

from typing import Any, cast

import torch
from pythae.data.datasets import BaseDataset
from torch import Tensor
from torch.utils.data import Dataset

from bench.training.augment import flipped_and_moved
from models.training import Batch, as_float


class ImageTensors(Dataset):
    """Images uint8 [N, C, H, W] (or float in [0, 1]) and labels [N], kept whole; Pythae's attribute names.

    `dynamic` images are trained on as draws of black and white, of which the grey value is the probability, and
    `moved` ones flipped and moved at random.
    """

    def __init__(self, data: Tensor, labels: Tensor, dynamic: bool = False, moved: bool = False):
        self.data, self.labels, self.dynamic, self.moved = data, labels, dynamic, moved

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"data": as_float(self.data[index]), "labels": self.labels[index]}


class Items:
    """A map-style data set seen as the tensor of its images, which are fetched from it whenever they are asked for."""

    def __init__(self, dataset: Any, device: str = "cpu"):
        self.dataset, self.device = dataset, device

    def to(self, device: str, non_blocking: bool = False) -> "Items":
        """Return the same images, to be given on a device."""
        return Items(self.dataset, device)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the images at an index: [...] -> [..., *shape]."""
        rows = [torch.as_tensor(self.dataset[i]["data"]) for i in index.flatten().tolist()]
        return torch.stack(rows).unflatten(0, index.shape).to(self.device)


def as_images(dataset: Any, held: bool = False) -> Any:
    """Return a map-style data set of items `{"data": x}`, with "labels" or without, as `ImageTensors`.

    One that already holds its tensors stays as it is, unless its items are something else than these; `held` ones are
    fetched once and kept. Labels are -1 where there are none.
    """
    kept = isinstance(getattr(dataset, "data", None), Tensor) and isinstance(getattr(dataset, "labels", None), Tensor)
    if dataset is None or (kept and getattr(type(dataset), "__getitem__", None) in _PLAIN):
        return dataset
    every = torch.arange(len(dataset))
    labels = torch.stack([torch.as_tensor(dataset[i].get("labels", -1)) for i in every.tolist()])
    items = Items(dataset)
    return ImageTensors(items[every] if held else cast(Tensor, items), labels)


_PLAIN = (ImageTensors.__getitem__, BaseDataset.__getitem__)  # of data sets whose items are rows of their tensors


class Loader:
    """Shuffled batches of a data set that lies on the device: each image once an epoch, in a new order.

    With `labelled_batch_size` there are two streams: an epoch passes once over the unlabelled images (label -1) in
    batches of `batch_size`, and each batch begins with that many labelled ones, which go round in an order of their
    own. A last batch of one image, of which no batch statistic exists, is left out. The order is a function of the
    seed, the same on every device. Raises ValueError where a stream is empty.
    """

    def __init__(self, dataset: Any, device: str, batch_size: int, seed: int, labelled_batch_size: int | None = None):
        self.x = dataset.data.to(device, non_blocking=True)
        self.y = dataset.labels.to(device, non_blocking=True)
        self.dynamic, self.moved = getattr(dataset, "dynamic", False), getattr(dataset, "moved", False)
        self.batch_size, self.labelled_batch_size = batch_size, labelled_batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self._left = torch.empty(0, dtype=torch.long)  # what remains of the labelled images' present round
        if labelled_batch_size is None:
            self._passed = torch.arange(len(self.x))
            return
        if self.y.ndim != 1:
            raise ValueError("two streams need one label an image")
        labelled = (self.y >= 0).cpu()
        self._passed, self._labelled = torch.nonzero(~labelled)[:, 0], torch.nonzero(labelled)[:, 0]
        if not len(self._passed) or not len(self._labelled):
            raise ValueError("two streams need labelled images and unlabelled ones (label -1); one kind is missing")

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._cut(self._passed))

    @property
    def longest(self) -> int:
        """The number of images in every batch but the last of an epoch."""
        return min(self.batch_size, len(self._passed)) + (self.labelled_batch_size or 0)

    def epoch(self) -> list[Tensor]:
        """Return the indices of the next epoch's batches, on the device; this advances the order."""
        parts = self._cut(self._passed[torch.randperm(len(self._passed), generator=self.generator)])
        if self.labelled_batch_size is not None:
            needed = len(parts) * self.labelled_batch_size
            rounds = [self._left]
            while sum(map(len, rounds)) < needed:
                rounds.append(self._labelled[torch.randperm(len(self._labelled), generator=self.generator)])
            stream = torch.cat(rounds)
            self._left = stream[needed:].clone()
            labelled = stream[:needed].split(self.labelled_batch_size)
            parts = [torch.cat(pair) for pair in zip(labelled, parts, strict=True)]
        return list(torch.cat(parts).to(self.x.device).split([len(part) for part in parts]))

    def batch(self, index: Tensor, generator: torch.Generator | None = None) -> Batch:
        """Return the images and labels at an index [B]; `generator` draws how images move, and dynamic pixels."""
        x = as_float(self.x[index])
        if self.moved:
            x = flipped_and_moved(x, generator)
        if self.dynamic:
            x = (torch.rand(x.shape, generator=generator, device=x.device) < x).float()
        return Batch(x, self.y[index], index, len(self.x))

    def state_dict(self) -> dict[str, Tensor]:
        """Return the position: an epoch drawn after loading it is the one that would have come."""
        return {"generator": self.generator.get_state(), "left": self._left}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Return to a position."""
        self.generator.set_state(state["generator"])
        self._left = state["left"]

    def _cut(self, order: Tensor) -> list[Tensor]:
        return [part for part in order.split(self.batch_size) if len(part) > 1]
