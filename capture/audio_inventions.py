"""Detect Whisper's hallucinations by its own confidence, by repeats, and by loudness.

Confidence thresholds are those of Whisper's own `transcribe`. A person may say thank you, so typical words
(`capture.audio_credits`) count only where there was hardly any sound.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from capture.audio_credits import is_credit, is_unspaced
from core.text import strip_controls

NO_SPEECH = 0.6
UNSURE = -1.0
COMPRESSION = 2.4
NEAR_SILENT = 12.0
"""dB above the room's floor below which there was hardly any sound."""
_LIKELY_SPEECH = 0.5
_SURELY_NO_SPEECH = 0.9
_REPEATS = ((1, 6), (2, 4), (3, 3), (4, 3), (5, 3), (6, 3))  # words in a group, times in a row
# The same within what is written without spaces: letters in a group, times in a row.
_LOOP = re.compile(r"([^\W\d])\1{9,}|(\D{2,3}?)\2{5,}|(\D{4,7}?)\3{3,}|(\D{8,60}?)\4{2,}")
_NOISE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\uff08[^\uff09]*\uff09|【[^】]*】|\*[^*]*\*|[♪♫]+[^♪♫]*[♪♫]*")
_INVENTED = frozenset({
    "you", "bye", "bye bye", "okay", "so", "oh", "i", "the end", "the", "hmm", "uh", "thank you very much",
    "thank you so much", "see you next time", "see you", "we'll be right back", "silence",
})  # fmt: skip


@dataclass(frozen=True)
class Draft:
    """Whisper's text with its statistics: `no_speech` is the probability that nobody spoke.

    `logprob` is the mean log-probability of its tokens; `compression` the compression ratio of its text.
    `echo`: the hint given to Whisper contains all of it.
    """

    text: str
    no_speech: float
    logprob: float
    compression: float
    echo: bool = False


def strip_notes(text: str) -> str:
    """The text without notes such as [music] and control characters, with single spaces."""
    return strip_controls(_NOISE.sub(" ", strip_controls(text)))


def objection(draft: Draft, above_floor: float, speech: float) -> str:
    """Why to reject a draft, or "". `above_floor`: dB above the room's floor; `speech`: its probability."""
    words = _words(draft.text)
    if not words:
        return "no words were heard"
    if draft.no_speech > NO_SPEECH and (draft.logprob < UNSURE or draft.no_speech > _SURELY_NO_SPEECH):
        return "it was no speech"
    if draft.logprob < UNSURE:
        return "it was not clear enough"
    if draft.compression > COMPRESSION or repeats(words) or _loops(words):
        return "the same words came over and over"
    doubtful = above_floor < NEAR_SILENT or speech < _LIKELY_SPEECH
    if doubtful and (draft.echo or " ".join(words) in _INVENTED or is_credit(draft.text)):
        return "it was too quiet to be sure"
    return ""


def echoes(text: str, hint: str) -> bool:
    """Whether the hint contains the words of the text, contiguously."""
    words, space = _words(text), "" if is_unspaced(text) else " "
    return bool(words) and _joined(words, space) in _joined(_words(hint), space)


def repeats(words: list[str]) -> bool:
    """Whether a group of words is repeated more often than people do."""
    return any(_longest_run(words, size) >= times for size, times in _REPEATS)


def _words(text: str) -> list[str]:
    """Its words in small letters; marks belong to them, as in Hindi and Thai, and apostrophes within."""
    plain = strip_notes(text).casefold().replace("\u2019", "'")
    words = "".join(letter if _is_of_word(letter) else " " for letter in plain).split()
    return [word for word in (word.strip("'") for word in words) if any(map(str.isalnum, word))]


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter == "'" or unicodedata.category(letter).startswith("M")


def _joined(words: list[str], space: str) -> str:
    return f"{space}{space.join(words)}{space}"


def _loops(words: list[str]) -> bool:
    """Whether a group of letters within a word is repeated more often than people do."""
    texts = ["".join(words)] if is_unspaced("".join(words)) else words
    return any(_LOOP.search(text) for text in texts)


def _longest_run(words: list[str], size: int) -> int:
    """The longest run of one group of `size` words."""
    groups = [tuple(words[first : first + size]) for first in range(len(words) - size + 1)]
    most = 1 if groups else 0
    for offset in range(size):
        run = 1
        for before, now in pairwise(groups[offset::size]):
            run = run + 1 if before == now else 1
            most = max(most, run)
    return most
