"""What is measured: MNIST images, and the models, stock Pythae's and the suite's."""

import argparse
import contextlib
import io
import logging
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from pythae.models import VAE, VAEConfig
from pythae.models.nn.benchmarks.mnist import Decoder_ResNet_AE_MNIST, Encoder_ResNet_VAE_MNIST
from torch import Tensor

from bench import data
from bench.data.types import Split
from bench.study import PresetName, suite
from bench.study.run import Run
from bench.training.trainer import ImageTensors

SHAPE = (1, 28, 28)
QUICK = 160  # images, at most


def images(options: argparse.Namespace, count: int, held_out: int) -> tuple[ImageTensors, ImageTensors]:
    """Return `count` training and `held_out` validation images of MNIST, uint8 [N, 1, 28, 28], with labels.

    With `--quick` they are a few of the embedded digits, with a black frame. Raises BadInput where MNIST is not found.
    """
    found = data.load("digits" if options.quick else "mnist", data_dir=options.data_dir)
    made, frame = [], (SHAPE[2] - found.shape[2]) // 2
    for split, wanted in ((found.train, count), (found.validation, held_out)):
        taken = tensors(split, min(wanted, QUICK) if options.quick else wanted)
        made.append(ImageTensors(F.pad(taken.data, [frame] * 4), taken.labels))
    return made[0], made[1]


def tensors(split: Split, count: int | None = None) -> ImageTensors:
    """Return the first images of a split (None: all), uint8 [N, C, H, W], with their labels."""
    return ImageTensors(torch.from_numpy(split.images[:count]), torch.from_numpy(split.labels[:count]))


def stock_vae(kind: str, likelihood: str = "mse", seed: int = 0) -> VAE:
    """Return Pythae's own VAE with latent dimension 16: its default networks ("MLP") or its "ResNet" for MNIST."""
    torch.manual_seed(seed)
    config = VAEConfig(input_dim=SHAPE, latent_dim=16, reconstruction_loss=likelihood)
    if kind == "MLP":
        return VAE(config)
    return VAE(config, Encoder_ResNet_VAE_MNIST(config), Decoder_ResNet_AE_MNIST(config))


def suite_runs(preset: PresetName, pattern: str, name: str = "mnist") -> list[Run]:
    """Return the runs of a suite at one seed that match a pattern, as `bench.run --models` takes it."""
    plan = suite.expand(suite.load(name, preset), name, preset, seeds=[0], shape=data.image_shape(name))
    return suite.select(plan, pattern.split(","))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Pythae's log, progress bars and prints from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def uint8_noise(count: int, shape: tuple[int, ...]) -> ImageTensors:
    """Return images of random pixels: their content changes no time."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=generator)
    return ImageTensors(pixels, torch.zeros(count, dtype=torch.long))


def as_pixels(split: ImageTensors) -> Tensor:
    """Return a split's images as float [N, C, H, W] in [0, 1]."""
    return split.data.float() / 255
