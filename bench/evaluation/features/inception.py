"""Features of pytorch-fid's Inception network, the ones that FID is defined in."""

import importlib
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import torch
from torch.nn import functional as F

from bench.data.eight_bit import to_uint8
from bench.errors import BadInput
from bench.evaluation.features.inception_weights import FILE, SHA256, URL, checksum

SETTING_OF_BLOCK = {0: "inception64", 3: "inception2048"}  # pytorch-fid's output blocks of 64 and 2048 channels
_BROKEN = "operator torchvision::nms does not exist"
_NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def import_torchvision() -> str:
    """Import torchvision and say how: "native", or "schema-only" where its compiled operators do not fit torch.

    The package index's torchvision beside a CPU-only torch fails with one exact error, that the operator nms does not
    exist. Only then the two operators that its import looks up are declared, without code: the networks work, and nms
    itself still raises. Any other error propagates.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if str(error) != _BROKEN:
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        torch.library.define("torchvision::nms", _NMS)
        torch.library.define("torchvision::qnms", _NMS)
        importlib.import_module("torchvision")
        return "schema-only"
    return "native"


class Inception:
    """pytorch-fid's InceptionV3 with weights from a file; raises BadInput for a file that does not fit it."""

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        torchvision = import_torchvision()
        from pytorch_fid import inception

        self.device = device
        network, self.head = _load(inception, weights)
        self.network = network.to(device).eval()
        digest = checksum(weights)
        self.provenance: dict[str, str | bool] = {
            "tool": f"pytorch-fid {version('pytorch-fid')}",
            "torchvision": torchvision,
            "weights_sha256": digest,
            "weights_official": digest == SHA256,
        }

    @torch.no_grad()
    def features(self, images: np.ndarray, batch: int = 50) -> dict[str, np.ndarray]:
        """Return float32 features {"inception64": [N, 64], "inception2048": [N, 2048]} of images [N, C, H, W].

        Images are uint8 or floats in [0, 1]; both go in as eight-bit pixels over 255 (as pytorch-fid reads
        image files), grey ones repeated to three channels. Maps are averaged over space.
        """
        found: dict[str, list[np.ndarray]] = {name: [] for name in SETTING_OF_BLOCK.values()}
        for start in range(0, len(images), batch):
            pixels = torch.tensor(to_uint8(images[start : start + batch]), device=self.device)
            x = pixels.float().div(255.0).expand(-1, 3, -1, -1)  # [B, 3, H, W]
            for name, maps in zip(found, self.network(x), strict=True):
                found[name].append(F.adaptive_avg_pool2d(maps, 1).flatten(1).cpu().numpy())  # [B, F]
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return p(class | image) [N, 1008] of features "inception2048" [N, 2048].

        As in the inception scores of Salimans et al. 2016, whose code multiplies by the last layer's weights alone,
        without its biases.
        """
        return (torch.from_numpy(features) @ self.head.T).softmax(1).numpy()


def _load(inception: ModuleType, weights: Path) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return the network with the file's weights, where pytorch-fid itself would download them, and those of its last
    layer [1008, 2048], which pytorch-fid leaves out."""
    try:
        state = torch.load(weights, weights_only=True, map_location="cpu")
        with patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state):
            return inception.InceptionV3(sorted(SETTING_OF_BLOCK)), state["fc.weight"].float()
    except Exception as error:  # torch.load and load_state_dict raise half a dozen unrelated types
        raise BadInput(f"{weights} does not hold the FID Inception weights; it should be {FILE} from {URL}") from error
