"""Experts: many looks, one answer; a recording's own words."""

import numpy as np
import pytest
from PIL import Image
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from agent.experts import LocalExpert, voted
from core.signal import TeacherSignal
from core.types import Answer
from models.views import MOST, looks


def _answer(text: str, confidence: float) -> Answer:
    return Answer(text, (1,), (-0.1,), confidence)


def test_confidence_is_counted_and_not_heads() -> None:
    assert voted([_answer("red", 0.9), _answer("blue", 0.3), _answer("blue", 0.4)]).text == "red"
    won = voted([_answer("red", 0.5), _answer("blue", 0.3), _answer("blue", 0.6)])
    assert won.text == "blue" and won.confidence == pytest.approx(0.3)
    assert voted([_answer("red", 0.5)]) == _answer("red", 0.5)


def test_looks_are_the_whole_and_its_corners() -> None:
    picture = Image.fromarray(np.arange(100 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3))
    whole, *nearer = looks(picture, MOST)
    assert whole is picture and {one.size for one in nearer} == {(186, 93)}
    corners = {(0, 0), (199, 0), (0, 99), (199, 99)}
    pixels = [picture.getpixel(corner) for corner in sorted(corners)]
    places = [(0, 0), (185, 0), (0, 92), (185, 92)]
    found = [one.getpixel(place) for one, place in zip(nearer, places, strict=True)]
    assert sorted(map(str, found)) == sorted(map(str, pixels))
    assert looks(Image.new("RGB", (1, 1)), MOST)[-1].size == (1, 1)
    for count in (0, MOST + 1):
        with pytest.raises(ValueError, match="looks"):
            looks(picture, count)


@pytest.mark.parametrize("count", [1, 3])
def test_a_model_in_this_process_answers_with_its_signal(count: int) -> None:
    vlm = wrapped(*tiny_florence(attention="eager"))
    told = LocalExpert(vlm, 6, count).ask(photo(), QUESTIONS[0], 1)
    each = vlm.answer_many(vlm.encode_images(looks(photo(), count)), [QUESTIONS[0]] * count, 6)
    assert told.answer.text == voted(each).text
    assert told.signal is not None and TeacherSignal.from_bytes(told.signal).attention is not None
