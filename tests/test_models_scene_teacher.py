"""Teachers and names: a tiny CLIP from disk, the built-in teacher's words, class names from files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_scenes import picture, tiny_clip

from bench.pretrain.scene.pairs import classify
from bench.studies.edgevl.cli import read_names
from core.errors import InputError, WeightsError
from models.embedder import load_minilm
from models.scene.names import (
    GENERIC,
    SCANNET,
    CentredText,
    alternatives,
    check_names,
    class_rows,
    prompt,
    prompts,
)
from models.scene.teacher import HEAD_FILE, HEAD_FOLDER, load_teacher, read_head, tower_digest


def test_any_clip_on_disk_is_a_teacher(tmp_path: Path) -> None:
    teacher = load_teacher(str(tiny_clip(tmp_path / "clip")))
    rows = teacher.image([picture(0), picture(1, (50, 40))])
    words = teacher.text(prompts(["kitchen", "office"]))
    assert rows.shape == words.shape == (2, teacher.width) == (2, 12)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert teacher.name.startswith("clip:")
    assert set(classify(rows, class_rows(teacher.text, ["kitchen", "office"]))) <= {0, 1}


def test_a_folder_that_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        load_teacher(str(tmp_path))


def test_the_shipped_head_belongs_to_the_shipped_expert() -> None:
    head, tower = read_head(HEAD_FOLDER / HEAD_FILE)
    assert tower == tower_digest()
    assert head.out.out_features == 384
    assert not head.training


def test_a_damaged_head_is_named(tmp_path: Path) -> None:
    (tmp_path / "head").write_bytes((HEAD_FOLDER / HEAD_FILE).read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged"):
        read_head(tmp_path / "head")
    with pytest.raises(WeightsError, match="pretrain scene"):
        read_head(tmp_path / "none")


def test_words_about_places_lie_apart_once_their_middle_is_off() -> None:
    minilm = load_minilm()
    names = prompts(["kitchen", "bedroom", "office", "bathroom"])
    raw, moved = minilm.text(names), CentredText(minilm.text).text(names)
    off = ~np.eye(4, dtype=bool)
    assert (moved @ moved.T)[off].mean() < (raw @ raw.T)[off].mean() - 0.2
    assert np.allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)


def test_a_class_of_two_names_lies_between_them() -> None:
    words = CentredText(load_minilm().text)
    both, bedroom, hotel = class_rows(words.text, ["bedroom / hotel", "bedroom", "hotel"])
    assert both @ bedroom > bedroom @ hotel < both @ hotel
    assert alternatives("bedroom / hotel") == ["bedroom", "hotel"]


def test_prompts_take_their_article_by_the_first_letter() -> None:
    assert prompt("office") == "a photo of an office"
    assert prompt("kitchen") == "a photo of a kitchen"
    assert len(SCANNET) == 21
    assert not set(check_names(GENERIC)) - set(GENERIC)


def test_names_are_read_from_a_file_without_its_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("\ufeffkitchen\n\n  office \n\n", encoding="utf-8")
    assert read_names(path) == ["kitchen", "office"]
    path.write_text("Kitchen\noffice\nkitchen\n", encoding="utf-8")
    with pytest.raises(InputError, match="'kitchen' is there twice"):
        read_names(path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="UTF-8"):
        read_names(path)


@given(st.lists(st.sampled_from(["a", "b", "c", " ", "A"]), max_size=6))
def test_names_are_unique_or_refused(names: list[str]) -> None:
    kept = [name.strip() for name in names if name.strip()]
    if len(kept) < 2 or len({name.casefold() for name in kept}) < len(kept):
        with pytest.raises(InputError):
            check_names(names)
    else:
        assert check_names(names) == kept
