"""A feature network of the user's, from a TorchScript file."""

from pathlib import Path

import numpy as np
import torch

from bench.data.eight_bit import to_uint8
from bench.errors import BadInput
from bench.system.manifest import checksum

BATCH = 50


class OwnNetwork:
    """A network that gives features [B, F] of images [B, C, H, W] in [0, 1], as `torch.jit.save` wrote it.

    `provenance` is the file's name and the SHA-256 of what it holds. Raises BadInput for another file.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        try:
            self.network = torch.jit.load(str(path), map_location=device).eval()
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[-1:]
            raise BadInput(
                f"--feature-network {path}: no TorchScript module ({' '.join(reason)}); torch.jit.save writes one"
            ) from None
        self.device = device
        self.provenance = {"name": path.stem, "weights_sha256": checksum(path)}

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        """Return features, float64 [N, F], of images [N, C, H, W], uint8 or in [0, 1].

        They go in as eight-bit pixels over 255, in their own size. Raises BadInput where it gives anything else.
        """
        found = []
        for start in range(0, len(images), BATCH):
            pixels = torch.tensor(to_uint8(images[start : start + BATCH]), device=self.device)
            try:
                given = self.network(pixels.float() / 255.0)
            except RuntimeError as error:
                reason = str(error).strip().splitlines()[-1]
                raise BadInput(f"--feature-network: it takes no images {list(images.shape[1:])} ({reason})") from None
            if not isinstance(given, torch.Tensor) or given.ndim != 2 or len(given) != len(pixels):
                raise BadInput("--feature-network: it must give one row of features [B, F] for each image")
            found.append(given.cpu().double().numpy())
        return np.concatenate(found)
