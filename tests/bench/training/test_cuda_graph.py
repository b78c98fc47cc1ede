"""Steps replayed as CUDA graphs: the same training as without."""

import pytest
import torch

from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA graphs need an accelerator")
@pytest.mark.parametrize("name", ["VAE", "BidirectionalIWAE"])
@pytest.mark.parametrize("norm", ["bias", "batch"])
def test_a_captured_training_ends_as_an_eager_one(name: str, norm: str) -> None:
    losses = []
    for capture in (False, True):
        torch.manual_seed(0)
        kind = MODELS[name].resolve()
        network = {"channels": (4,), "strides": (2,), "hidden": (8,), "norm": norm}
        model = kind(kind.config_class(input_dim=(1, 8, 8), latent_dim=3, network=network))
        pixels = torch.randint(0, 256, (40, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        data = ImageTensors(pixels, torch.arange(40) % 10)
        config = TrainerConfig(num_epochs=3, per_device_train_batch_size=16, precision="float32", capture=capture)
        trainer = Trainer(model, data, data, config)
        trainer.train()
        losses.append(trainer.history["validation_loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
