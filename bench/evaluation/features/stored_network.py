"""Weights of a judge's network, kept on disk: trained once, and anew where the file is damaged."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from bench.system.cache import kept
from bench.system.files import Bytes

Network = TypeVar("Network", bound=nn.Module)


def kept_network(path: Path, train: Callable[[], Network], blank: Callable[[], Network]) -> Network:
    """Return a network whose weights a checked file holds, or train it and write them; in evaluation mode, frozen.

    `blank` makes one of the same architecture; files are read without pickle's arbitrary code.
    """

    def read(data: memoryview) -> Network:
        network = blank()
        network.load_state_dict(torch.load(io.BytesIO(data), weights_only=True, map_location="cpu"))
        return network

    def write(network: Network) -> list[Bytes]:
        buffer = io.BytesIO()
        torch.save(network.state_dict(), buffer)
        return [buffer.getbuffer()]

    return kept(path, train, read, write).eval().requires_grad_(False)
