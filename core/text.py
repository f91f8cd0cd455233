"""Cleaning what people type or say, and guessing what they meant."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from core.errors import AnswerError, QuestionError, RoomNameError

# Control codes, surrogates, private and unassigned characters, and format marks that reorder text (a
# bidirectional override can make a log line lie).
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_SPACES = frozenset({"Zs", "Zl", "Zp"})

# A room names folders too, on systems where case, spaces or a dot in front make a difference.
_ROOM = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def strip_controls(text: str) -> str:
    """The text without control or invisible characters, its white space as single spaces, trimmed.

    Idempotent; the result never holds a line break or a terminal escape.
    """
    visible = "".join(_visible(character) for character in text)
    return " ".join(visible.split())


def printable(text: str, keep: str = "\n") -> str:
    """The text without control or invisible characters but for those of `keep`; its spaces all stay."""
    if text.isprintable():
        return text
    return "".join(character if character in keep else _visible(character) for character in text)


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in _SPACES:
        return " "
    return "" if category in _DROPPED else character


def check_question(text: str, max_chars: int = 1000) -> str:
    """The question, cleaned by `strip_controls`, or QuestionError when nothing is left or it is too long.

    The length is checked after cleaning; a text beyond ten times the limit is refused at once.
    """
    too_long = f"Ask in at most {max_chars} characters."
    if len(text) > 10 * max_chars:
        raise QuestionError(f"The question has {len(text)} characters. {too_long}")
    question = strip_controls(text)
    if not question:
        raise QuestionError('The question is empty. Ask something, for example "What colour is the sofa?".')
    if len(question) > max_chars:
        raise QuestionError(f"The question has {len(question)} characters. {too_long}")
    return question


def check_answer(text: str, max_chars: int = 4000) -> str:
    """The answer, cleaned by `strip_controls`, or AnswerError when nothing is left or it is too long."""
    answer = strip_controls(text[: 10 * max_chars])
    if not answer:
        raise AnswerError("The answer is empty. Give the words to remember.")
    if len(answer) > max_chars or len(text) > 10 * max_chars:
        raise AnswerError(f"The answer has {len(text)} characters. Answer in at most {max_chars}.")
    return answer


def check_room(name: str) -> str:
    """The name of a room, or RoomNameError unless it can name a folder on every system."""
    if not _ROOM.fullmatch(name):
        raise RoomNameError(
            f"A room cannot be called {name[:80]!r}. "
            "Use up to 64 lower-case letters, digits, - and _, for example living-room."
        )
    return name


def room_name(text: str) -> str:
    """The name of a room nearest to a text: "Living Room" is living-room; `room` when nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain)[:64].strip("-_") or "room"


def nearest(name: str, choices: Iterable[str], n: int = 3) -> list[str]:
    """Up to `n` of the choices most like `name`, best first."""
    by_folded: dict[str, str] = {}
    for choice in choices:
        by_folded.setdefault(choice.casefold(), choice)
    # The ratio is quadratic in length; nobody means a name of a thousand characters.
    matches = difflib.get_close_matches(name.casefold()[:100], by_folded, n=n, cutoff=0.5)
    return [by_folded[folded] for folded in matches]


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest choices, or all of them when none is near."""
    names = sorted(choices)
    close = nearest(name, names)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else "None are known."


def with_article(noun: str) -> str:
    """A noun with "a" or "an", by its first letter."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
