"""What a replay is asked for, as one value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReplayOptions:
    """A session folder played again. Without an `expert` it is the configured one where the session's answers
    are true, else those answers.
    """

    session: Path
    student: str
    expert: str | None = None
    warm_up: int = 10
    seed: int = 0
    out: Path | None = None
    """For all that comes of it. If it holds the same session unfinished, that goes on. Default: a new one."""
    report: Path | None = None
    """A folder for a page about it."""
    speed: float | None = None
    """Recorded pauses are divided by it, and no adaptation is waited for; home is consolidated meanwhile if
    earlier rooms in `out` make that due. None: as fast as it goes, each adaptation waited for."""
    quiet: bool = False
    aside: bool = False
    """Show what happens on stderr."""
    from_audio: bool = False
    """Ask what is heard in the session's sounds."""
    one_room: bool = False
    """Play it a second time, in `out`/one-room, with all rooms taken for one."""
