"""Which programs a voice is made of."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import CaptureError

Command = Sequence[str]
"""A program and its arguments."""

ESPEAK = "espeak-ng"

_PIPER_RATE = 22_050  # samples a second, where a voice does not say


def voice_commands(voice: str, which: Callable[[str], str | None] = shutil.which) -> list[list[str]]:
    """The programs of a voice: one of espeak-ng's, such as en-gb, or the path of a piper voice, a .onnx file.

    Raises CaptureError when a program or the file is not there.
    """
    if voice.endswith(".onnx"):
        return _piper(Path(voice), which)
    if voice.startswith("-"):
        raise CaptureError(f"{voice!r} is no voice. Choose one that espeak-ng --voices lists.")
    program = _found(ESPEAK, "apt install espeak-ng", which)
    return [[program, "--stdin", "-v", voice]]


def _piper(path: Path, which: Callable[[str], str | None]) -> list[list[str]]:
    if not path.is_file():
        raise CaptureError(f"There is no piper voice at {path}. Check voice.voice.")
    piper = _found("piper", "pip install piper-tts", which)
    player = _found("aplay", "apt install alsa-utils", which)
    return [
        [piper, "--model", str(path), "--output-raw"],
        [player, "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(_piper_rate(path)), "-"],
    ]


def _piper_rate(path: Path) -> int:
    """Samples a second of a piper voice, from the settings beside it."""
    settings = path.with_name(f"{path.name}.json")
    try:
        return int(json.loads(settings.read_text(encoding="utf-8"))["audio"]["sample_rate"])
    except (OSError, ValueError, KeyError, TypeError):
        return _PIPER_RATE


def _found(program: str, remedy: str, which: Callable[[str], str | None]) -> str:
    path = which(program)
    if path is None:
        raise CaptureError(f"Answers are spoken by {program}, which is not installed. Install it: {remedy}")
    return path
