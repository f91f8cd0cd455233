"""Folders as cameras: pictures in the order of their names, or the frames of a recorded session."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from capture.sources.stills import Still
from core.errors import CaptureError, InputError
from core.event_lines import from_line
from core.events import Asked
from core.files import storage_errors

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"})
_DEPTH = "depth-"
_LONGEST_PAUSE = 60.0  # seconds between two frames of a recording; nobody waits a night for the next


def is_recording(folder: Path) -> bool:
    """Whether a folder holds a session that the agent recorded."""
    return (folder / "events.jsonl").is_file()


def is_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture."""
    return path.suffix.lower() in _PICTURES


def pictures_of(folder: Path, seconds: float) -> tuple[list[Still], float]:
    """The pictures of a folder, each shown for so many seconds, and their total time.

    depth-7.png is the depth of frame-7.jpg. Raises CaptureError without pictures.
    """
    with storage_errors("read", folder):
        names = sorted((path.name for path in folder.iterdir() if is_picture(path)), key=_by_number)
    pictures = [name for name in names if not name.startswith(_DEPTH)]
    if not pictures:
        raise CaptureError(f"There is no picture in {folder}. Put JPEG or PNG files there.")
    all_names = set(names)
    stills = [
        Still(folder / name, seconds * place, _depth_of(folder, name, all_names))
        for place, name in enumerate(pictures)
    ]
    return stills, seconds * len(stills)


def frames_of(folder: Path, seconds: float) -> tuple[list[Still], float]:
    """The frames of a recorded session at their own times, and their total time, `seconds` for the last.

    Pauses beyond a minute are cut. Raises CaptureError without questions or for a damaged log.
    """
    events = list(_asked_events(folder / "events.jsonl"))
    if not events:
        raise CaptureError(f"No question was asked in {folder}. Choose another session.")
    walls = [event.at - event.frame_age_ms / 1000.0 for event in events]
    pauses = [min(_LONGEST_PAUSE, max(0.0, late - early)) for early, late in itertools.pairwise(walls)]
    starts = list(itertools.accumulate(pauses, initial=0.0))
    stills = [
        Still(folder / "blobs" / f"{event.frame}.jpg", start, wall=wall)
        for event, start, wall in zip(events, starts, walls, strict=True)
    ]
    return stills, starts[-1] + seconds


def _asked_events(log: Path) -> Iterator[Asked]:
    with storage_errors("read", log):
        *lines, _ = log.read_bytes().split(b"\n")  # the last one may have been cut off
    for number, line in enumerate(lines, start=1):
        try:
            event = from_line(line.decode())
        except (InputError, UnicodeDecodeError) as error:
            raise CaptureError(
                f"Line {number} of {log} is damaged. Copy the session folder again."
            ) from error
        if isinstance(event, Asked) and re.fullmatch(r"[0-9a-f]{64}", event.frame):
            yield event


def _depth_of(folder: Path, name: str, all_names: set[str]) -> Path | None:
    depth = f"{_DEPTH}{Path(name).stem.removeprefix('frame-')}.png"
    return folder / depth if depth in all_names else None


def _by_number(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts frame-10 after frame-9."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name
