"""What rooms look like: kept with the pairs, bounded, read again for another encoder, forgotten with them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_memory import frame, jpeg
from tiny_places import Colours, sight

from core.errors import InputError
from core.frames import frame_of
from memory.gallery import MOST, decode_depth, encode_depth, most_redundant
from memory.store import Memory

NAME = "colours"


def _row(*values: float) -> np.ndarray:
    row = np.array(values, np.float32)
    return row / np.linalg.norm(row)


def test_views_outlive_the_process_and_keep_their_kind(tmp_path: Path) -> None:
    far = encode_depth(np.full((4, 6), 2500, np.uint16))
    with Memory.open(tmp_path) as memory:
        assert memory.gallery.add("den", "rgb", jpeg(1), _row(1, 0), NAME)
        assert memory.gallery.add("den", "depth", far, _row(0, 1), NAME)
        assert memory.gallery.add("hall", "rgb", jpeg(2), _row(0, 1), NAME)
    with Memory.open(tmp_path, read_only=True) as memory:
        shelf = memory.gallery.views("rgb", NAME)
        assert shelf.rooms == ("den", "hall")
        assert np.array_equal(shelf.rows, np.stack([_row(1, 0), _row(0, 1)]))
        assert np.array_equal(shelf.of_room("hall"), _row(0, 1)[None])
        assert memory.gallery.counts() == {"den": {"rgb": 1, "depth": 1}, "hall": {"rgb": 1, "depth": 0}}
        assert not memory.gallery.views("rgb", "another").rooms


def test_a_view_that_tells_nothing_new_is_not_kept(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        assert memory.gallery.add("den", "rgb", jpeg(1), _row(1, 0), NAME)
        assert not memory.gallery.add("den", "rgb", jpeg(2), _row(1, 0.01), NAME)
        assert memory.gallery.add("hall", "rgb", jpeg(2), _row(1, 0.01), NAME)


def test_there_are_never_more_than_the_most(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        for number in range(MOST + 5):
            row = np.zeros(MOST + 5, np.float32)
            row[number] = 1
            assert memory.gallery.add("den", "rgb", jpeg(number), row, NAME)
        assert memory.gallery.counts()["den"]["rgb"] == MOST


def test_another_encoders_views_are_read_again_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    one, other = sight((200, 30, 30)), sight((30, 30, 200))
    with Memory.open(tmp_path) as memory:
        memory.gallery.add("den", "rgb", one.jpeg, _row(1, 0, 0), "older")
        memory.gallery.add("hall", "rgb", other.jpeg, _row(0, 1, 0), "older")
        memory.gallery.catch_up(Colours(), said.append)
        shelf = memory.gallery.views("rgb", NAME)
    assert shelf.rooms == ("den", "hall") and not np.allclose(shelf.rows[0], _row(1, 0, 0))
    assert said == ["The views of rooms are read again, 2 of them: another encoder made them."]


def test_rooms_of_before_there_were_views_are_known_by_their_pairs_frames(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        memory.add("den", frame_of(sight((200, 30, 30)).jpeg), "What is it?", "a sofa", "expert", "e")
        memory.gallery.catch_up(Colours(), lambda sentence: None)
        assert memory.gallery.views("rgb", NAME).rooms == ("den",)


def test_forgetting_a_pair_forgets_the_view_of_its_frame(tmp_path: Path) -> None:
    frame = frame_of(sight((200, 30, 30)).jpeg)
    with Memory.open(tmp_path) as memory:
        pair = memory.add("den", frame, "What is it?", "a sofa", "expert", "e")
        memory.gallery.catch_up(Colours(), lambda sentence: None)
        memory.delete(pair.id)
        assert not memory.gallery.counts() and not memory.blobs.names()


def test_a_room_moves_with_all_that_is_its_own_and_is_forgotten_with_it(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        memory.add("den", frame(1), "What is it?", "a sofa", "expert", "e")
        memory.add("hall", frame(2), "What is it?", "a lamp", "expert", "e")
        memory.gallery.add("den", "rgb", jpeg(3), _row(1, 0), NAME)
        assert memory.move("den", "kitchen") == 1
        assert memory.rooms() == {"hall": 1, "kitchen": 1} and set(memory.gallery.counts()) == {"kitchen"}
        assert memory.forget("kitchen") == 1
        assert memory.rooms() == {"hall": 1} and not memory.gallery.counts()
        assert len(memory.blobs.names()) == 1


def test_files_of_views_are_no_strays(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        memory.gallery.add("den", "rgb", jpeg(1), _row(1, 0), NAME)
    with Memory.open(tmp_path) as memory:
        assert len(memory.blobs.names()) == 1
        memory.gallery.forget("den")
        memory.drop_strays()
        assert not memory.blobs.names()


@given(st.lists(st.integers(0, 65535), min_size=12, max_size=12))
def test_distances_come_back_as_they_were_kept(values: list[int]) -> None:
    depth = np.array(values, np.uint16).reshape(3, 4)
    assert np.array_equal(decode_depth(encode_depth(depth)), depth)


def test_what_is_no_depth_frame_is_refused() -> None:
    with pytest.raises(InputError, match="no 16-bit PNG"):
        decode_depth(b"nothing")


def test_of_two_views_alike_the_older_one_tells_least() -> None:
    rows = [(7, _row(0, 1)), (8, _row(1, 0)), (9, _row(1, 0.1))]
    assert most_redundant(rows) == 8
