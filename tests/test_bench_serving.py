"""Questions that load a served expert: each with a frame that was never sent before."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.serving.load import FramedQuestion, QuestionCycle, SignalRequest, all_signals, numbered


def picture() -> bytes:
    """A small JPEG."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((32, 24)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


@given(st.integers(0, 10**9))
def test_a_numbered_picture_shows_the_same_in_other_bytes(number: int) -> None:
    plain = picture()
    changed = numbered(plain, number)
    assert changed != plain and changed != numbered(plain, number + 1)
    assert Image.open(io.BytesIO(changed)).tobytes() == Image.open(io.BytesIO(plain)).tobytes()


def test_what_is_no_jpeg_cannot_be_numbered() -> None:
    with pytest.raises(ValueError, match="JPEG"):
        numbered(b"\x89PNG", 1)


def test_no_frame_comes_twice() -> None:
    asker = QuestionCycle([FramedQuestion(picture(), "What is there?"), FramedQuestion(picture(), "Where?")])
    taken = [asker.take() for _ in range(7)]
    assert len({question.frame for question in taken}) == 7
    assert [question.text for question in taken[:3]] == ["What is there?", "Where?", "What is there?"]


def test_codes_are_asked_for_only_where_an_autoencoder_is_named() -> None:
    assert "code" not in all_signals(None).signals
    assert SignalRequest().ask("Why?") == '{"questions": ["Why?"], "signals": [], "transfer": ""}'
