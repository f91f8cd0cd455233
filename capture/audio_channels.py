"""One channel of what a microphone gives, whose channels may be opposite, dead, or off their zero."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture.audio import Samples

_DEAD = 1 / 300
"""The share of the loudest channel's power, 25 dB below it, under which a channel only adds noise,"""
_OPPOSITE = -0.5
"""and the correlation with it below which a channel is turned round: a balanced line on two channels."""
_MEMORY = 1.0  # seconds over which channels are compared


class Downmix:
    """Mixes the channels of one stream of sound at `rate` Hz, block after block, without steps between."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._offset: NDArray[np.float32] | None = None  # [channels]
        self._weights: NDArray[np.float32] | None = None  # [channels]
        self._powers: NDArray[np.float64] = np.zeros((1, 1))  # [channels, channels], with their signs

    def mix(self, frames: NDArray[Any]) -> Samples:
        """The channels of float frames [n, channels] or [n] as float32 [n] in [-1, 1].

        NaN, from broken drivers, counts as silence.
        """
        sound = numbers(frames)
        if not len(sound):
            return np.zeros(0, np.float32)
        kept = 0.5 ** (len(sound) / self._rate / _MEMORY)
        share = np.linspace(0.0, 1.0, len(sound), dtype=np.float32)[:, None]
        mean = sound.mean(axis=0)
        before = mean if self._offset is None else self._offset
        self._offset = kept * before + (1 - kept) * mean
        sound = sound - (before + share * (self._offset - before))
        self._powers = kept * self._powers + (sound.T @ sound)
        weights = weights_of(self._powers)
        before = weights if self._weights is None else self._weights
        self._weights = weights
        mixed = (sound * (before + share * (weights - before))).sum(axis=1)
        return np.ascontiguousarray(np.clip(mixed, -1.0, 1.0), dtype=np.float32)


def numbers(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Frames [n, channels] or [n] as float32 [n, channels] in [-1, 1], NaN as 0."""
    sound = np.asarray(frames, dtype=np.float32)
    sound = np.clip(np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
    return sound if sound.ndim == 2 else sound[:, None]


def is_still(frames: NDArray[Any]) -> bool:
    """Whether no channel of frames [n, channels] changes: digital silence, which no open microphone gives."""
    sound = numbers(frames)
    return not len(sound) or bool((sound == sound[0]).all())


def weights_of(powers: NDArray[np.float64]) -> NDArray[np.float32]:
    """What each channel counts, given their powers [channels, channels]: alike, but none for dead ones.

    One that is the opposite of the others counts negative.
    """
    own = np.diag(powers)
    loudest = int(np.argmax(own))
    if own[loudest] <= 0.0:
        return np.full(len(own), 1 / len(own), np.float32)
    alive = own >= _DEAD * own[loudest]
    alike = powers[loudest] / np.sqrt(np.where(alive, own, 1.0) * own[loudest])
    signs = np.where(alike < _OPPOSITE, -1.0, 1.0)
    # As the first of them, since which is loudest may change from word to word.
    weights: NDArray[np.float32] = (signs[np.argmax(alive)] * signs * alive / alive.sum()).astype(np.float32)
    return weights
