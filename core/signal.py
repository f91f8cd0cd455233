"""The teacher signal that an expert ships beside its answer.

Plain arrays without torch: the expert may run on another machine, and memory stores the bytes.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import StorageError
from core.files import safetensors_metadata

TOP = 32
"""Likeliest tokens kept for each place of an answer."""
_FORMAT = "roomwise-signal-1"
_DAMAGED = "A teacher signal is damaged ({}). Delete the pair it belongs to, or ask the expert again."


@dataclass(frozen=True)
class TeacherSignal:
    """An expert's attention for one question, and the likeliest tokens of its answer.

    `spans` int32 [T, 2] are the characters (from, to) of the question's own tokens, `attention` float16
    [T, rows, cols] their first-layer attention to the picture, heads averaged: raw mass, so a row sums to
    less than 1. None without maps; T is 0 then. `top_ids` int32 [A, k] and `top_logprobs` float16 [A, k] are
    the likeliest tokens at each place of the answer, the closing one included, for the tokenizer whose
    definition has the SHA-256 `vocabulary`. A is 0 without them. Raises ValueError when shapes do not match.
    """

    spans: NDArray[np.int32]
    attention: NDArray[np.float16] | None
    top_ids: NDArray[np.int32]
    top_logprobs: NDArray[np.float16]
    vocabulary: str

    def __post_init__(self) -> None:
        if self.spans.ndim != 2 or self.spans.shape[1] != 2:
            raise ValueError(f"spans of shape {self.spans.shape}, not [T, 2]")
        if self.attention is not None and (
            self.attention.ndim != 3 or len(self.attention) != len(self.spans) or not self.attention.size
        ):
            raise ValueError(f"attention of shape {self.attention.shape} for {len(self.spans)} tokens")
        for numbers in (self.attention, self.top_logprobs):
            if numbers is not None and not (numbers.dtype == np.float16 and np.isfinite(numbers).all()):
                raise ValueError("attention and log-probabilities are finite float16 numbers")
        if self.top_ids.ndim != 2 or self.top_ids.shape != self.top_logprobs.shape:
            raise ValueError(f"{self.top_ids.shape} ids but {self.top_logprobs.shape} log-probabilities")

    def to_bytes(self) -> bytes:
        """A safetensors file. The same signal gives the same bytes."""
        arrays: dict[str, NDArray[Any]] = {
            "spans": self.spans,
            "top_ids": self.top_ids,
            "top_logprobs": self.top_logprobs,
        }
        if self.attention is not None:
            arrays["attention"] = self.attention
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        about = {"format": _FORMAT, "vocabulary": self.vocabulary}
        # One entry, since the order of several varies.
        return save(arrays, metadata={"roomwise": json.dumps(about, sort_keys=True)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "TeacherSignal":
        """The inverse of `to_bytes`. Raises StorageError for anything else."""
        try:
            arrays = load(data)
            about = _about(data)
            return cls(
                arrays["spans"].astype(np.int32, casting="same_kind"),
                arrays.get("attention"),
                arrays["top_ids"].astype(np.int32, casting="same_kind"),
                arrays["top_logprobs"],
                str(about["vocabulary"]),
            )
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(_DAMAGED.format(error)) from error


def _about(data: bytes) -> dict[str, object]:
    about: dict[str, object] = json.loads(safetensors_metadata(data)["roomwise"])
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {about['format']!r}")
    return about
