"""Training images flipped and moved by a little, each time anew."""

import torch
from torch import Tensor

MARGIN, SHARE = 2, 0.05  # pixels of edge around an image, and of the sides with it the longest way


def flipped_and_moved(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Return each image mirrored or not and moved along both axes, its edge repeated: [B, C, H, W] -> the same.

    Ways are U(-w, w) rounded, w a twentieth of the side with 2 pixels around; at most those 2. Source: selfVAE's code.
    """
    size, device = len(x), x.device

    def places(side: int) -> Tensor:
        ways = (2 * torch.rand(size, 1, generator=generator, device=device) - 1) * SHARE * (side + 2 * MARGIN)
        moved = torch.arange(side, device=device) - ways.round().clamp(-MARGIN, MARGIN).long()
        return moved.clamp(0, side - 1)  # [B, side]

    rows, columns = places(x.shape[2]), places(x.shape[3])
    mirrored = torch.rand(size, 1, generator=generator, device=device) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    image, channel = torch.arange(size, device=device)[:, None, None, None], torch.arange(x.shape[1], device=device)
    return x[image, channel[None, :, None, None], rows[:, None, :, None], columns[:, None, None, :]]
