"""A plug-in of models that end as no model should; what they do happens in the second epoch."""

import faulthandler
import os
import signal
import time
from pathlib import Path
from typing import Any

from pythae.models import VAEConfig

from models import ModelEntry
from models.bidirectional import with_networks
from models.bvae import _VAE
from models.training import Batch, Terms

FLAG = "BENCH_FAULT_FLAG"  # a file that the first process to come makes, so that the next goes on


def _first() -> bool:
    try:
        Path(os.environ[FLAG]).touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


class _Faulty(_VAE):
    epoch = 1

    def weights(self, epoch: int) -> dict[str, float]:
        self.epoch = epoch
        return {}

    def terms(self, batch: Batch, generator: Any = None) -> Terms:
        if self.training and self.epoch >= 2:
            self.fault()
        return super().terms(batch, generator)


class _Killer(_Faulty):
    def fault(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class _KilledOnce(_Faulty):
    def fault(self) -> None:
        if _first():
            time.sleep(0.5)  # what it said is under way
            os.kill(os.getpid(), signal.SIGKILL)


class _Crasher(_Faulty):
    def fault(self) -> None:
        faulthandler._sigsegv()  # type: ignore[attr-defined]


class _Hungry(_Faulty):
    def fault(self) -> None:
        import torch

        torch.empty(1 << 60, dtype=torch.uint8)


class _Raiser(_Faulty):
    def fault(self) -> None:
        raise RuntimeError("no luck")


Killer = with_networks(_Killer, VAEConfig, "Killer", __name__)
KilledOnce = with_networks(_KilledOnce, VAEConfig, "KilledOnce", __name__)
Crasher = with_networks(_Crasher, VAEConfig, "Crasher", __name__)
Hungry = with_networks(_Hungry, VAEConfig, "Hungry", __name__)
Raiser = with_networks(_Raiser, VAEConfig, "Raiser", __name__)
MODELS = {
    made.__name__: ModelEntry(f"{__name__}:{made.__name__}", "unidirectional", made.__name__)
    for made in (Killer, KilledOnce, Crasher, Hungry, Raiser)
}
