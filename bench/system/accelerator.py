"""Accelerators: float32 that is float32, and one that a failed assertion has taken down."""

import torch


def exact_float32() -> None:
    """Have products and convolutions in float32 keep all bits: by default cuDNN rounds factors to 10 (TF32)."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def lost() -> bool:
    """Whether this process can use its accelerator no more: after an assertion on it failed, every call does."""
    if not torch.cuda.is_initialized():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return True
    return False
