"""What the dense stage is told agrees with the picture it is told about, also where that is mirrored."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_rooms import write_rooms

from bench.pretrain.augment import apply_placement, photometric, plain_pixels, random_placement, whole_picture
from bench.pretrain.common.dataset import Batch, Frames
from bench.pretrain.common.names import CATEGORIES, COLOURS
from bench.pretrain.labels import dense_labels, parts
from bench.rooms.catalogue.index import BUILDERS
from bench.rooms.world.palette import COLOURS as SHADES
from core.errors import InputError

GRID = 6


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    write_rooms(tmp_path)
    frames = Frames(tmp_path, "train", student_safe=True)
    frames.rescan()
    return frames


@pytest.fixture
def batch(frames: Frames) -> Batch:
    return frames.draw(np.random.default_rng(0), 6)


def _agreement(pixels: torch.Tensor, colours: torch.Tensor) -> float:
    """Share of labelled parts whose pixel in the middle is nearest to the labelled colour's own."""
    fine = colours.shape[-1]
    middle = torch.nn.functional.interpolate(pixels, fine * 2 + 1, mode="nearest")[:, :, 1::2, 1::2]
    names = ["red", "blue", "green", "white"]
    shades = torch.tensor([[200, 30, 30], [30, 60, 210], [40, 140, 60], [240, 240, 240]]) / 127.5 - 1
    nearest = torch.cdist(middle.permute(0, 2, 3, 1).reshape(-1, 3), shades).argmin(-1)
    told = colours.flatten()
    said = torch.tensor([COLOURS.index(name) for name in names])[nearest]
    return float((said == told)[told >= 0].float().mean())


def test_labels_name_what_the_pixels_show(batch: Batch) -> None:
    labels = dense_labels(batch, whole_picture(6), GRID)
    assert labels.kinds.shape == (4, 6, GRID * parts(GRID), GRID * parts(GRID))
    assert _agreement(plain_pixels(batch.frames), labels.kinds[1]) > 0.95
    assert set(labels.kinds[0].unique().tolist()) <= {
        CATEGORIES.index(name) for name in ("floor", "sofa", "bed", "table", "plant")
    }
    assert labels.present.sum(1).min() >= 1
    assert torch.allclose(labels.log_depth.exp().unique(), torch.tensor([2.0, 3.0]))


def test_labels_move_with_the_picture(batch: Batch) -> None:
    placement = random_placement(6, np.random.default_rng(3))
    assert (placement[:, 0, 0] < 0).any() and (placement[:, 0, 0] > 0).any()
    pixels = apply_placement(plain_pixels(batch.frames), placement, 48, "bilinear")
    assert _agreement(pixels, dense_labels(batch, placement, GRID).kinds[1]) > 0.9


def test_augmentation_is_as_its_generator_says(batch: Batch) -> None:
    one, same, other = (photometric(batch.frames, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.shape == (6, 3, 48, 48) and one.abs().max() <= 1


def test_every_category_and_colour_has_a_label() -> None:
    assert set(BUILDERS) <= set(CATEGORIES) and set(SHADES) == set(COLOURS)
    assert len(set(CATEGORIES)) == len(CATEGORIES)


def test_shards_that_appear_later_are_found(frames: Frames, tmp_path: Path) -> None:
    before = len(frames.rooms)
    (tmp_path / "shard-00000").rename(tmp_path / "shard-00001")
    assert frames.rescan() == 2 * before


def test_without_rooms_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="roomwise pretrain render"):
        Frames(tmp_path, "train", student_safe=False).rescan()
