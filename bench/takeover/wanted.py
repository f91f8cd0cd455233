"""What the command was asked for, before anything heavy is imported."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TakeOverOptions:
    """The options, as they were given; see the command's help."""

    rooms: int
    sessions: Path | None
    split: str | None
    fit: bool
    calibration: Path | None
    agreement: float | None
    student: str
    expert: str | None
    seed: int
    jobs: int
    out: Path | None
    picture: Path | None
