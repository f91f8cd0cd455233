"""How answers and their signals travel: one safetensors body, numbers as arrays, the rest as JSON.

No pickle and nothing to run: whoever reads it checks every shape and type, as if a stranger had written it.
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
from core.signal import TeacherSignal
from core.text import strip_controls
from core.types import Answer, Told

MEDIA_TYPE = "application/x-safetensors"
Wanted = Literal["attention", "logprobs", "focus", "code"]
"""What a client can ask for beside the words: the map from text to picture, the likeliest tokens at each
place of the answer, the vision tokens that the map is highest on, the map as its shared code."""
WANTED: tuple[Wanted, ...] = get_args(Wanted)
LEARNT_FROM: tuple[Wanted, ...] = ("attention", "logprobs")
"""What the student learns from, so what a session asks for."""

_FORMAT = "roomwise-answers-1"
_HEADER_LENGTH = 8
_ARRAYS: Mapping[Wanted, tuple[str, ...]] = {
    "attention": ("spans", "attention"),
    "logprobs": ("top_ids", "top_logprobs"),
    "focus": ("focus", "focus_places"),
    "code": ("code",),
}
_WRONG = "The expert's answer cannot be read ({}). Are both sides of the same version?"


@dataclass(frozen=True)
class OptionalSignal:
    """What is only shipped where it was asked for. `focus` float16 [k, D] are the expert's vision tokens at
    `focus_places` int32 [k] of its grid, row by row; `code` float16 [w] is the map's code under the
    autoencoder whose weights have the SHA-256 that the request named.
    """

    focus: NDArray[np.float16] | None = None
    focus_places: NDArray[np.int32] | None = None
    code: NDArray[np.float16] | None = None


@dataclass(frozen=True)
class Said:
    """One answer as it travels."""

    told: Told
    shown: OptionalSignal = OptionalSignal()


class _Words(pydantic.BaseModel):
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
    answers: list[_Words]


def pack(model: str, said: Sequence[Said], wanted: Sequence[Wanted]) -> bytes:
    """The body that carries these answers of one model, with of their signals what is wanted."""
    arrays: dict[str, NDArray[Any]] = {}
    words = []
    for place, one in enumerate(said):
        signal = TeacherSignal.from_bytes(one.told.signal) if one.told.signal else None
        for name, array in _arrays(signal, one.shown, wanted).items():
            arrays[f"{place}.{name}"] = np.ascontiguousarray(array)
        answer = one.told.answer
        words.append({
            "text": answer.text,
            "token_ids": list(answer.token_ids),
            "token_logprobs": list(answer.token_logprobs),
            "confidence": answer.confidence,
            "vocabulary": signal.vocabulary if signal else "",
        })
    about = {"format": _FORMAT, "model": model, "answers": words}
    return save(arrays, metadata={"roomwise": json.dumps(about, sort_keys=True)})


def unpack(data: bytes) -> tuple[str, list[Said]]:
    """The model's name and its answers. Raises ExpertError when it is not what `pack` makes."""
    try:
        arrays, about = load(data), _about(data)
        answers = [_said(place, words, arrays) for place, words in enumerate(about.answers)]
    except (SafetensorError, ValueError, KeyError, TypeError, StorageError) as error:
        raise ExpertError(_WRONG.format(str(error).splitlines()[0][:200])) from error
    return strip_controls(about.model), answers


def sizes(data: bytes) -> dict[str, int]:
    """Bytes of a body by what they are for: each of `WANTED` that is in it, and "words" for the rest."""
    found = dict.fromkeys(WANTED, 0)
    for name, array in load(data).items():
        part = name.partition(".")[2]
        found[next(wanted for wanted, names in _ARRAYS.items() if part in names)] += array.nbytes
    return {"words": len(data) - sum(found.values())} | {name: size for name, size in found.items() if size}


def _arrays(
    signal: TeacherSignal | None, shown: OptionalSignal, wanted: Sequence[Wanted]
) -> dict[str, NDArray[Any]]:
    sources: tuple[object, object] = (signal, shown)
    found = {}
    for name in (name for kind in wanted for name in _ARRAYS[kind]):
        array = next((getattr(one, name) for one in sources if hasattr(one, name)), None)
        if array is not None:
            found[name] = array
    return found


def _about(data: bytes) -> _About:
    length = int.from_bytes(data[:_HEADER_LENGTH], "little")
    header = json.loads(data[_HEADER_LENGTH : _HEADER_LENGTH + length])
    return _About.model_validate_json(header["__metadata__"]["roomwise"])


def _said(place: int, words: _Words, arrays: Mapping[str, NDArray[Any]]) -> Said:
    own = {
        name: arrays[f"{place}.{name}"]
        for names in _ARRAYS.values()
        for name in names
        if f"{place}.{name}" in arrays
    }
    text = strip_controls(words.text)
    answer = Answer(text, tuple(words.token_ids), tuple(words.token_logprobs), words.confidence)
    shown = OptionalSignal(own.get("focus"), own.get("focus_places"), own.get("code"))
    return Said(Told(answer, _signal(own, words.vocabulary)), shown)


def _signal(own: Mapping[str, NDArray[Any]], vocabulary: str) -> bytes | None:
    """The same bytes as the expert's own: what is learnt does not depend on where the expert runs."""
    if "attention" not in own and "top_ids" not in own:
        return None
    signal = TeacherSignal(
        own.get("spans", np.zeros((0, 2), np.int32)).astype(np.int32, casting="same_kind"),
        own.get("attention"),
        own.get("top_ids", np.zeros((0, 0), np.int32)).astype(np.int32, casting="same_kind"),
        own.get("top_logprobs", np.zeros((0, 0), np.float16)),
        vocabulary,
    )
    return signal.to_bytes()
