"""Serialise answers and their signals as one safetensors body: numbers as arrays, the rest as JSON.

Readers check every shape and type, as if a stranger had written it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pydantic
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import ExpertError, StorageError
from core.files import safetensors_metadata
from core.signal import TeacherSignal
from core.text import strip_controls
from core.types import Answer, ExpertReply

MEDIA_TYPE = "application/x-safetensors"
SignalPart = Literal["attention", "logprobs", "focus", "code"]
"""What a client can ask for beside the words: the text-to-picture map, the likeliest tokens at each place of
the answer, the vision tokens with most attention, the map as its shared code."""
SIGNAL_PARTS: tuple[SignalPart, ...] = get_args(SignalPart)
LEARNT_FROM: tuple[SignalPart, ...] = ("attention", "logprobs")
"""What the student learns from, and a session asks for."""
_FORMAT = "roomwise-answers-1"
_ARRAYS: Mapping[SignalPart, tuple[str, ...]] = {
    "attention": ("spans", "attention"),
    "logprobs": ("top_ids", "top_logprobs"),
    "focus": ("focus", "focus_places"),
    "code": ("code",),
}
_WRONG = "The expert's answer cannot be read ({}). Are both sides of the same version?"


@dataclass(frozen=True)
class OptionalSignal:
    """What is shipped only on request. `focus` float16 [k, D] are the expert's vision tokens at
    `focus_places` int32 [k] of its grid, row by row; `code` float16 [w] is the map's code under the
    autoencoder whose SHA-256 the request named.
    """

    focus: NDArray[np.float16] | None = None
    focus_places: NDArray[np.int32] | None = None
    code: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class WireAnswer:
    """One answer on the wire."""

    reply: ExpertReply
    optional: OptionalSignal = OptionalSignal()


class _Text(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore", strict=True)

    text: str = pydantic.Field(max_length=20_000)
    token_ids: list[int]
    token_logprobs: list[float]
    confidence: float = pydantic.Field(ge=0, le=1)
    vocabulary: str = ""


class _About(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore", strict=True)

    format: Literal["roomwise-answers-1"]
    model: str = pydantic.Field(max_length=200)
    answers: list[_Text]


def pack(model: str, answers: Sequence[WireAnswer], parts: Sequence[SignalPart]) -> bytes:
    """The body with these answers of one model and the wanted parts of their signals."""
    arrays: dict[str, NDArray[Any]] = {}
    texts = []
    for place, item in enumerate(answers):
        signal = TeacherSignal.from_bytes(item.reply.signal) if item.reply.signal else None
        for name, array in _select_arrays(signal, item.optional, parts).items():
            arrays[f"{place}.{name}"] = np.ascontiguousarray(array)
        answer = item.reply.answer
        texts.append({
            "text": answer.text,
            "token_ids": list(answer.token_ids),
            "token_logprobs": list(answer.token_logprobs),
            "confidence": answer.confidence,
            "vocabulary": signal.vocabulary if signal else "",
        })
    about = {"format": _FORMAT, "model": model, "answers": texts}
    return save(arrays, metadata={"roomwise": json.dumps(about, sort_keys=True)})


def unpack(data: bytes) -> tuple[str, list[WireAnswer]]:
    """The model's name and its answers. Raises ExpertError for anything that `pack` does not make."""
    try:
        arrays, about = load(data), _about(data)
        answers = [_read_answer(place, words, arrays) for place, words in enumerate(about.answers)]
    except (SafetensorError, ValueError, KeyError, TypeError, StorageError) as error:
        raise ExpertError(_WRONG.format(str(error).splitlines()[0][:200])) from error
    return strip_controls(about.model), answers


def sizes(data: bytes) -> dict[str, int]:
    """Bytes of a body by purpose: each of `SIGNAL_PARTS` that is in it, and "words" for the rest."""
    by_part = dict.fromkeys(SIGNAL_PARTS, 0)
    for name, array in load(data).items():
        part = name.partition(".")[2]
        by_part[next(kind for kind, names in _ARRAYS.items() if part in names)] += array.nbytes
    return {"words": len(data) - sum(by_part.values())} | {
        name: size for name, size in by_part.items() if size
    }


def _select_arrays(
    signal: TeacherSignal | None, optional: OptionalSignal, parts: Sequence[SignalPart]
) -> dict[str, NDArray[Any]]:
    sources: tuple[object, object] = (signal, optional)
    arrays = {}
    for name in (name for kind in parts for name in _ARRAYS[kind]):
        array = next((getattr(source, name) for source in sources if hasattr(source, name)), None)
        if array is not None:
            arrays[name] = array
    return arrays


def _about(data: bytes) -> _About:
    return _About.model_validate_json(safetensors_metadata(data)["roomwise"])


def _read_answer(place: int, words: _Text, arrays: Mapping[str, NDArray[Any]]) -> WireAnswer:
    arrays_of = {
        name: arrays[f"{place}.{name}"]
        for names in _ARRAYS.values()
        for name in names
        if f"{place}.{name}" in arrays
    }
    text = strip_controls(words.text)
    answer = Answer(text, tuple(words.token_ids), tuple(words.token_logprobs), words.confidence)
    optional = OptionalSignal(arrays_of.get("focus"), arrays_of.get("focus_places"), arrays_of.get("code"))
    return WireAnswer(ExpertReply(answer, _signal_bytes(arrays_of, words.vocabulary)), optional)


def _signal_bytes(arrays: Mapping[str, NDArray[Any]], vocabulary: str) -> bytes | None:
    """The expert's own bytes again, so that what is learnt does not depend on where the expert runs."""
    if "attention" not in arrays and "top_ids" not in arrays:
        return None
    signal = TeacherSignal(
        arrays.get("spans", np.zeros((0, 2), np.int32)).astype(np.int32, casting="same_kind"),
        arrays.get("attention"),
        arrays.get("top_ids", np.zeros((0, 0), np.int32)).astype(np.int32, casting="same_kind"),
        arrays.get("top_logprobs", np.zeros((0, 0), np.float16)),
        vocabulary,
    )
    return signal.to_bytes()
