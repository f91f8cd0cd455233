"""What Whisper writes when nobody spoke: told by its own doubts, by repeats, and by how loud it was.

Thresholds on doubt are those that Whisper's own `transcribe` goes by. A list of words alone would swallow a
person who says thank you, so it counts only where there was hardly any sound.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from core.text import strip_controls

NO_SPEECH = 0.6
UNSURE = -1.0
COMPRESSION = 2.4
NEAR_SILENT = 12.0
"""Speech less than so many dB above the room's floor is hardly any."""

_LIKELY_SPEECH = 0.5
_CERTAINLY_NONE = 0.9
_REPEATS = ((1, 6), (2, 4), (3, 3), (4, 3), (5, 3), (6, 3))  # words in a group, times in a row
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_NOISE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫]+[^♪♫]*[♪♫]*")
_INVENTED = frozenset({
    "you", "thank you", "thanks", "bye", "bye bye", "okay", "so", "oh", "i", "the end", "the", "hmm", "uh",
    "thank you very much", "thank you so much", "thanks for watching", "thank you for watching",
    "thank you so much for watching", "please subscribe", "subscribe", "see you next time", "see you",
    "see you in the next video", "i'll see you in the next video", "we'll be right back",
    "subtitles by the amara org community", "silence",
})  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """What Whisper wrote, and what it made of it: `no_speech` is the probability that nobody spoke.

    `logprob` is the mean natural logarithm of its tokens' probabilities; `compression` how many times
    shorter its text gets when compressed. `echo`: all of it stands in the hint that Whisper was given.
    """

    text: str
    no_speech: float
    logprob: float
    compression: float
    echo: bool = False


def spoken(text: str) -> str:
    """The words alone: notes such as [music] gone, no control characters, single spaces."""
    return strip_controls(_NOISE.sub(" ", strip_controls(text)))


def objection(draft: Draft, above_floor: float, speech: float) -> str:
    """Why a draft is not what was said; empty when it is.

    `above_floor`: how much louder than the room it was, in dB. `speech`: how likely it was any, in [0, 1].
    """
    words = _words(draft.text)
    if not words:
        return "no words were heard"
    if draft.no_speech > NO_SPEECH and (draft.logprob < UNSURE or draft.no_speech > _CERTAINLY_NONE):
        return "it was no speech"
    if draft.logprob < UNSURE:
        return "it was not clear enough"
    if draft.compression > COMPRESSION or repeats(words):
        return "the same words came over and over"
    doubtful = above_floor < NEAR_SILENT or speech < _LIKELY_SPEECH
    if doubtful and (draft.echo or " ".join(words) in _INVENTED):
        return "it was too quiet to be sure"
    return ""


def echoes(text: str, hint: str) -> bool:
    """Whether the words of a text stand in a hint, in their order and with nothing between."""
    words = _words(text)
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(_words(hint))} "


def repeats(words: list[str]) -> bool:
    """Whether a group of words comes so many times in a row as nobody says it."""
    return any(_in_a_row(words, size) >= times for size, times in _REPEATS)


def _words(text: str) -> list[str]:
    return [word.casefold().replace("\u2019", "'") for word in _WORD.findall(spoken(text))]


def _in_a_row(words: list[str], size: int) -> int:
    """The most times that a group of `size` words comes one after the other."""
    groups = [tuple(words[first : first + size]) for first in range(len(words) - size + 1)]
    most = 1 if groups else 0
    for offset in range(size):
        run = 1
        for before, now in pairwise(groups[offset::size]):
            run = run + 1 if before == now else 1
            most = max(most, run)
    return most
