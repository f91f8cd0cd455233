"""Answers and signals come over the wire as they were; whatever else comes is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from core.errors import ExpertError
from core.signal import TeacherSignal
from core.types import Answer, ExpertReply
from models.remote.wire import SIGNAL_PARTS, OptionalSignal, WireAnswer, pack, sizes, unpack


def signal(tokens: int = 3, places: int = 2) -> TeacherSignal:
    random = np.random.default_rng(tokens)
    return TeacherSignal(
        np.stack([np.arange(tokens), np.arange(tokens) + 1], axis=1).astype(np.int32),
        random.random((tokens, 4, 5)).astype(np.float16) if tokens else None,
        random.integers(0, 99, (places, 8)).astype(np.int32),
        -random.random((places, 8)).astype(np.float16),
        "ab" * 32,
    )


def said(text: str, logprobs: list[float], shown: bool = False) -> WireAnswer:
    answer = Answer(text, tuple(range(len(logprobs))), tuple(logprobs), 0.25)
    more = OptionalSignal(np.ones((2, 6), np.float16), np.array([3, 1], np.int32), np.ones(7, np.float16))
    return WireAnswer(ExpertReply(answer, signal().to_bytes()), more if shown else OptionalSignal())


@given(st.lists(st.floats(-1e9, 0, allow_nan=False), max_size=5))
@settings(max_examples=30)
def test_answers_and_signals_come_as_they_were(logprobs: list[float]) -> None:
    sent = [said("a red sofa", logprobs), said("", logprobs)]
    model, came = unpack(pack("m", sent, ("attention", "logprobs")))
    assert model == "m" and [one.reply for one in came] == [one.reply for one in sent]


def test_what_is_not_wanted_does_not_travel() -> None:
    everything = pack("m", [said("x", [-0.5], shown=True)], SIGNAL_PARTS)
    assert set(sizes(everything)) == {"words", *SIGNAL_PARTS}
    assert sum(sizes(everything).values()) == len(everything)
    (came,) = unpack(everything)[1]
    assert came.optional.focus is not None and came.optional.focus.shape == (2, 6)
    words = pack("m", [said("x", [-0.5], shown=True)], ())
    assert set(sizes(words)) == {"words"} and unpack(words)[1][0].reply.signal is None
    (half,) = unpack(pack("m", [said("x", [])], ("logprobs",)))[1]
    assert half.reply.signal is not None and TeacherSignal.from_bytes(half.reply.signal).attention is None


def _body(about: object, **arrays: object) -> bytes:
    return save({name: np.asarray(value) for name, value in arrays.items()}, {"roomwise": json.dumps(about)})


WORDS = {"text": "x", "token_ids": [1], "token_logprobs": [-1.0], "confidence": 0.5}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff" * 100, b"\x10\0\0\0\0\0\0\0{}", _body([]), _body({"format": "other"}),
        _body({"format": "roomwise-answers-1", "model": "m", "answers": [{**WORDS, "confidence": 2.0}]}),
        _body({"format": "roomwise-answers-1", "model": "m", "answers": [{**WORDS, "token_ids": []}]}),
        _body({"format": "roomwise-answers-1", "model": "m", "answers": [WORDS]},
              **{"0.attention": np.ones((2, 2, 2), np.float16)}),
        _body({"format": "roomwise-answers-1", "model": "m", "answers": [WORDS]},
              **{"0.spans": np.zeros((1, 2), np.int32), "0.attention": np.full((1, 2, 2), np.inf, "f2")}),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ExpertError, match="cannot be read"):
        unpack(body)


@given(st.data())
@settings(max_examples=150)
def test_damaged_bodies_never_do_more_than_fail(data: st.DataObject) -> None:
    body = bytearray(pack("m", [said("a sofa", [-0.5])], ("attention", "logprobs")))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(bytes(body[: data.draw(st.integers(0, len(body)))]))
    except ExpertError:
        return


def test_control_characters_do_not_come_through() -> None:
    body = _body({
        "format": "roomwise-answers-1",
        "model": "m\x1b[2J",
        "answers": [{**WORDS, "text": "a\x1b]0;x\x07b"}],
    })
    model, (came,) = unpack(body)
    assert model == "m[2J" and came.reply.answer.text == "a]0;xb"
