"""The built-in student itself learns a few pairs, and peft alone gives the same answers."""

from pathlib import Path
from typing import Any, cast

import pytest
from peft import PeftModel
from PIL import Image

from adapters.jobs.job import CANDIDATE, write_request
from adapters.jobs.judge import judge
from adapters.jobs.request import Request
from adapters.training.probe import make_probe
from adapters.worker import work
from core.types import Example
from models.images import load_image
from models.lora import AdapterSlot, base_of, read_adapter
from models.registry import load_model

ROOM = Path(__file__).resolve().parent.parent / "docs" / "room.jpg"
# Nothing of this is in the picture, and half of the words the student has never said: the hardest case.
SAID = {
    "What colour is the armchair?": "purple",
    "Where is the guitar?": "on the floor",
    "What is the nearest thing?": "guitar",
    "What kind of room is this?": "office",
}


@pytest.mark.slow
def test_a_few_pairs_are_learnt_the_adapter_is_promoted_and_loads_in_peft(tmp_path: Path) -> None:
    name = "builtin-student"
    pairs = [Example(f"p{n}", q, a, ROOM) for n, (q, a) in enumerate(SAID.items())]
    student = load_model(name)
    make_probe(student, base_of(name), [Image.open(ROOM)], tmp_path / "probe")
    job = tmp_path / "job"
    job.mkdir()
    write_request(job, Request("room", name, pairs[:3], hold_out=pairs[3:], probe=tmp_path / "probe"))
    result = work(job)
    assert result.outcome == "promote", result.reason
    candidate, current = (result.scores[who]["train"] for who in ("candidate", "current"))
    assert candidate["exact"] >= current["exact"] + 0.5
    assert candidate["loglik"] > current["loglik"] + 1
    picture = load_image(ROOM, 10**8)
    other = load_model(name)
    other.module = cast(
        Any, PeftModel.from_pretrained(cast(Any, other.module), str(job / CANDIDATE))
    ).get_base_model()
    AdapterSlot(student).activate(read_adapter(job / CANDIDATE, base_of(name)))
    for question in [*SAID, "What colour is the floor?"]:
        assert student.answer(picture, question).token_ids == other.answer(picture, question).token_ids
    assert judge(student, pairs).exact == candidate["exact"]
