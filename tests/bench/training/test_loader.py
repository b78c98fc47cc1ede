"""The loader: two streams, of which the labelled one goes round."""

import pytest
import torch

from bench.training.loader import Loader
from bench.training.trainer import ImageTensors


def images(n: int, labelled: int) -> ImageTensors:
    labels = torch.full((n,), -1)
    labels[:labelled] = torch.arange(labelled)
    return ImageTensors(torch.zeros(n, 1, 2, 2, dtype=torch.uint8), labels)


def test_an_epoch_visits_each_unlabelled_image_once_behind_labelled_ones() -> None:
    loader = Loader(images(23, labelled=5), "cpu", 6, seed=0, labelled_batch_size=2)
    batches = loader.epoch()
    assert [len(batch) for batch in batches] == [8, 8, 8] == [8] * len(loader)
    assert torch.cat([batch[2:] for batch in batches]).sort().values.tolist() == list(range(5, 23))
    y = loader.batch(batches[0]).y
    assert y is not None and (y[:2] >= 0).all() and (y[2:] == -1).all()


def test_labelled_images_go_round_evenly_over_epochs() -> None:
    loader = Loader(images(23, labelled=5), "cpu", 6, seed=0, labelled_batch_size=2)
    visits = torch.cat([batch[:2] for _ in range(5) for batch in loader.epoch()])
    assert torch.bincount(visits).tolist() == [6] * 5  # 5 epochs x 3 batches x 2 over 5 images
    rounds = visits.split(5)
    assert all(sorted(part.tolist()) == list(range(5)) for part in rounds)
    assert rounds[0].tolist() != rounds[1].tolist()


def test_a_position_gives_the_epoch_that_would_have_come() -> None:
    loader = Loader(images(23, labelled=5), "cpu", 6, seed=0, labelled_batch_size=2)
    loader.epoch()
    position = loader.state_dict()
    expected = loader.epoch()
    other = Loader(images(23, labelled=5), "cpu", 6, seed=1, labelled_batch_size=2)
    other.load_state_dict(position)
    assert all(torch.equal(a, b) for a, b in zip(expected, other.epoch(), strict=True))


@pytest.mark.parametrize("labelled", [0, 23])
def test_two_streams_need_both_kinds(labelled: int) -> None:
    with pytest.raises(ValueError, match="one kind is missing"):
        Loader(images(23, labelled), "cpu", 6, seed=0, labelled_batch_size=2)


def test_moved_images_are_mirrored_half_the_time_and_moved_by_two_pixels_at_most_with_their_edge_repeated() -> None:
    ramp = torch.arange(32.0).expand(1, 32, 32) / 255  # of columns; its rows are equal
    data = ImageTensors((ramp * 255).byte().expand(4000, 1, 32, 32), torch.zeros(4000, dtype=torch.long), moved=True)
    loader = Loader(data, "cpu", 4000, seed=0)
    x = loader.batch(torch.arange(4000), torch.Generator().manual_seed(0)).x * 255
    mirrored = x[:, 0, 0, 0] > x[:, 0, 0, -1]
    assert float(mirrored.float().mean()) == pytest.approx(0.5, abs=0.03)
    columns = torch.where(mirrored[:, None], x[:, 0, 0].flip(1), x[:, 0, 0])
    ways = 15 - columns[:, 15].round()
    assert [float((ways == w).float().mean()) for w in range(-2, 3)] == pytest.approx(
        [0.3 / 3.6, 1 / 3.6, 1 / 3.6, 1 / 3.6, 0.3 / 3.6], abs=0.03
    )
    expected = (torch.arange(32) - ways[:, None]).clamp(0, 31)
    torch.testing.assert_close(columns, expected, rtol=0, atol=1e-4)
    rows = ImageTensors(data.data.transpose(2, 3), data.labels, moved=True)
    y = Loader(rows, "cpu", 9, seed=0).batch(torch.arange(4000), torch.Generator().manual_seed(0)).x * 255
    assert set((15 - y[:, 0, 15, 0].round()).tolist()) == {-2.0, -1.0, 0.0, 1.0, 2.0}
    assert bool((y == y[..., :1]).all())
