"""The command around training: rendering is resumable, wrong words are explained, names are single tokens."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import roomwise
from bench.pretrain.common.names import CATEGORIES, COLOURS
from bench.pretrain.common.rendering import plan, render_cache
from bench.pretrain.vocabulary import shared_tokenizer
from core.lazy import run


def test_names_are_single_tokens_and_any_word_can_be_spelled(tmp_path: Path) -> None:
    tokenizer = shared_tokenizer(tmp_path, 1500)
    for word in {word for name in (*CATEGORIES, *COLOURS) for word in name.split()}:
        assert len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1, word
    ids = tokenizer("xylophone", add_special_tokens=False)["input_ids"]
    assert str(tokenizer.decode(ids)).strip() == "xylophone"
    assert shared_tokenizer(tmp_path, 300).get_vocab() == tokenizer.get_vocab()


@pytest.mark.slow
def test_rendering_goes_on_and_the_same_seed_gives_the_same_room(tmp_path: Path) -> None:
    pytest.importorskip("embreex")
    plans = plan(2, rooms_a_shard=2, validation=1)
    assert render_cache(tmp_path / "a", plans, 48, jobs=2, quiet=True) == 4
    assert render_cache(tmp_path / "a", plans, 48, jobs=1, quiet=True) == 0
    render_cache(tmp_path / "b", plans[-1:], 48, jobs=1, quiet=True)
    for name in ("frames", "ids", "depth"):
        one, other = (np.load(tmp_path / side / "shard-00000" / f"{name}.npy") for side in "ab")
        assert np.array_equal(one, other)
    line = json.loads((tmp_path / "a" / "shard-00000" / "facts.jsonl").read_text().splitlines()[0])
    assert line["student_safe"] and line["room"] == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["student", "--stage", "dnse"], "dense, questions, joint"),
        (["expert", "--steps", "5"], "--stage"),
        (["export", "teacher"], "student, expert"),
        (["student", "--minutes", "0"], "roomwise pretrain render"),
    ],
)
def test_wrong_use_is_explained(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(roomwise.app, "roomwise", ["pretrain", *args]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_arithmetic_is_left_as_it_was(tmp_path: Path) -> None:
    """Subnormal numbers are flushed to zero in training alone."""
    args = ["pretrain", "student", "--minutes", "0", "--data", str(tmp_path), "--run", str(tmp_path)]
    assert run(roomwise.app, "roomwise", args) == 2
    assert sys.float_info.min / 2 > 0
