"""An expert in this process: many looks, one answer; questions about several frames together."""

import numpy as np
import pytest
from PIL import Image
from tiny_memory import jpeg
from tiny_models import QUESTIONS, photo, tiny_florence, wrapped

from agent.turns.things import NAMING
from core.frames import frame_of
from core.signal import TeacherSignal
from core.types import Answer, Frame
from models.expert import MOST_CROPS, EncodedQuestion, LocalExpert, crops, vote
from models.registry import load_model


def _answer(text: str, confidence: float) -> Answer:
    return Answer(text, (1,), (-0.1,), confidence)


def test_confidence_is_counted_and_not_heads() -> None:
    assert vote([_answer("red", 0.9), _answer("blue", 0.3), _answer("blue", 0.4)]).text == "red"
    won = vote([_answer("red", 0.5), _answer("blue", 0.3), _answer("blue", 0.6)])
    assert won.text == "blue" and won.confidence == pytest.approx(0.3)
    assert vote([_answer("red", 0.5)]) == _answer("red", 0.5)


def test_looks_are_the_whole_and_its_corners() -> None:
    picture = Image.fromarray(np.arange(100 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3))
    whole, *nearer = crops(picture, MOST_CROPS)
    assert whole is picture and {one.size for one in nearer} == {(186, 93)}
    corners = {(0, 0), (199, 0), (0, 99), (199, 99)}
    pixels = [picture.getpixel(corner) for corner in sorted(corners)]
    places = [(0, 0), (185, 0), (0, 92), (185, 92)]
    found = [one.getpixel(place) for one, place in zip(nearer, places, strict=True)]
    assert sorted(map(str, found)) == sorted(map(str, pixels))
    assert crops(Image.new("RGB", (1, 1)), MOST_CROPS)[-1].size == (1, 1)
    for count in (0, MOST_CROPS + 1):
        with pytest.raises(ValueError, match="looks"):
            crops(picture, count)


@pytest.mark.parametrize("count", [1, 3])
def test_a_model_in_this_process_answers_with_its_signal(count: int) -> None:
    vlm = wrapped(*tiny_florence(attention="eager"))
    told = LocalExpert(vlm, 6, count).ask(Frame(b"", photo()), QUESTIONS[0], 1)
    each = vlm.answer_many(vlm.encode_images(crops(photo(), count)), [QUESTIONS[0]] * count, 6)
    assert told.answer.text == vote(each).text
    assert told.signal is not None and TeacherSignal.from_bytes(told.signal).attention is not None


def test_a_model_answers_several_questions_as_it_answers_each() -> None:
    vlm = load_model("builtin-expert", attention="eager")
    expert, frame = LocalExpert(vlm, 8, 2), frame_of(jpeg(0))
    together = expert.ask_more(frame, NAMING[:3])
    alone = [expert.ask(frame, question, 1) for question in NAMING[:3]]
    assert [one.answer.text for one in together] == [one.answer.text for one in alone]
    assert [one.answer.confidence for one in together] == pytest.approx(
        [one.answer.confidence for one in alone], abs=1e-4
    )


def test_questions_about_several_frames_are_answered_as_alone() -> None:
    vlm = load_model("builtin-expert", attention="eager")
    expert, frames = LocalExpert(vlm, 8, 2), [frame_of(jpeg(0)), frame_of(jpeg(1))]
    seen = expert.encode(frames)
    askings = [
        EncodedQuestion(seen[1], NAMING[0], False),
        EncodedQuestion(seen[0], NAMING[1]),
        EncodedQuestion(seen[1], NAMING[1]),
    ]
    together = expert.answer_batch(askings)
    places = [(1, 0), (0, 1), (1, 1)]
    alone = [expert.ask(frames[place], NAMING[question], 1) for place, question in places]
    assert [one.answer.text for one in together] == [one.answer.text for one in alone]
    assert together[0].signal is None
    for one, other in zip(together[1:], alone[1:], strict=True):
        assert one.signal is not None and other.signal is not None
        ours, theirs = TeacherSignal.from_bytes(one.signal), TeacherSignal.from_bytes(other.signal)
        assert ours.attention == pytest.approx(theirs.attention, abs=2e-3)
        assert ours.top_logprobs[:, 0] == pytest.approx(theirs.top_logprobs[:, 0], abs=2e-2)
