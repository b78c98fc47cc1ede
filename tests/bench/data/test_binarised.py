"""Black-and-white images: exact probabilities, fixed draws that are recorded, fresh ones that follow a seed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data import load
from bench.data.binarised import FOLDERS, PUBLISHED, SIZES, binarised
from bench.data.places import Places
from bench.data.types import ImageDataset, Split
from bench.errors import BadInput
from bench.training.loader import Loader
from bench.training.trainer import ImageTensors, Trainer, TrainerConfig
from models import MODELS

NOWHERE = Places(None, False, lambda *_: None)


def grey(name: str = "toy", value: int = 51) -> ImageDataset:
    split = Split(np.full((400, 1, 8, 8), value, np.uint8), np.zeros(400, np.int64))
    return ImageDataset(name, split, split, split, ("a",), {}, "embedded")


@pytest.mark.parametrize(("value", "share"), [(0, 0.0), (255, 1.0), (51, 0.2)])
def test_a_pixel_is_white_with_the_probability_of_its_grey_value(value: int, share: float) -> None:
    made = binarised(grey(value=value), "sampled", NOWHERE)
    for part in (made.train, made.validation, made.test):
        assert set(np.unique(part.images)) <= {0, 255}
        assert float((part.images == 255).mean()) == pytest.approx(share, abs=0.01 if 0 < share < 1 else 0.0)


def test_a_fixed_draw_is_always_the_same_and_says_what_it_is() -> None:
    one, two = (load("digits", settings={"pixels": "sampled"}) for _ in range(2))
    assert one.sha256 == two.sha256
    assert one.settings["pixels"] == "sampled"
    assert "not the published draw" in (one.note or "")
    assert not np.array_equal(one.test.images, load("digits", settings={"pixels": "binary"}).test.images)


def test_dynamic_training_images_stay_grey_and_the_others_are_those_of_the_fixed_draw() -> None:
    plain, fixed, dynamic = (load("digits", settings=s) for s in ({}, {"pixels": "sampled"}, {"pixels": "dynamic"}))
    assert np.array_equal(dynamic.train.images, plain.train.images)
    assert np.array_equal(dynamic.test.images, fixed.test.images)
    assert np.array_equal(dynamic.validation.images, fixed.validation.images)


def test_dynamic_batches_are_fresh_draws_and_functions_of_the_generator() -> None:
    data = ImageTensors(torch.full((50, 1, 8, 8), 51, dtype=torch.uint8), torch.zeros(50), dynamic=True)
    loader, index = Loader(data, "cpu", 25, 0), torch.arange(50)
    generator = torch.Generator().manual_seed(0)
    first, second = (loader.batch(index, generator).x for _ in range(2))
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert float(first.mean()) == pytest.approx(0.2, abs=0.03)
    assert not torch.equal(first, second)
    assert torch.equal(first, loader.batch(index, torch.Generator().manual_seed(0)).x)


def test_a_training_on_dynamic_images_that_is_interrupted_ends_as_one_that_is_not(tmp_path: Path) -> None:
    kind = MODELS["VAE"].resolve()
    small = {"channels": (4,), "strides": (2,), "hidden": (8,)}

    def trained(interrupted: bool) -> torch.Tensor:
        torch.manual_seed(0)
        config = kind.config_class(input_dim=(1, 8, 8), latent_dim=2, network=small, reconstruction_loss="bce")
        images = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        data = ImageTensors(images, torch.zeros(40, dtype=torch.long), dynamic=True)
        folder = tmp_path / str(interrupted)

        def trainer() -> Trainer:
            settings = TrainerConfig(num_epochs=3, per_device_train_batch_size=10, scheduler_cls=None)
            return Trainer(kind(config), data, None, settings, checkpoints=folder)

        if interrupted:
            first = trainer()
            first.prepare_training()
            assert first.checkpoints is not None
            first.checkpoints.begin()
            first._train_epoch(1)
            first.checkpoints.save(first._state(first.engine.positions()))
        torch.manual_seed(0)
        last = trainer()
        last.train()
        return torch.cat([p.detach().flatten() for p in last.model.parameters()])

    assert torch.equal(trained(False), trained(True))


def test_the_published_files_take_the_place_of_a_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "train", 3)
    monkeypatch.setitem(SIZES, "valid", 2)
    monkeypatch.setitem(SIZES, "test", 2)
    folder = tmp_path / FOLDERS[0]
    folder.mkdir()
    bits = np.random.default_rng(0).integers(0, 2, (7, 784))
    for rows, file in zip((slice(0, 3), slice(3, 5), slice(5, 7)), PUBLISHED.values(), strict=True):
        np.savetxt(folder / file, bits[rows], fmt="%d")
    places = Places(tmp_path, False, lambda *_: None)
    made = binarised(grey("mnist"), "sampled", places)
    assert np.array_equal(made.test.images.reshape(2, 784), bits[5:] * 255)
    assert (made.train.labels == -1).all()
    assert "published" in (made.note or "")
    (folder / PUBLISHED["test"]).write_text("0 1 2")
    with pytest.raises(BadInput, match="784 digits"):
        binarised(grey("mnist"), "sampled", places)
