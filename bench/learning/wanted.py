"""What the command was asked for, before anything heavy is imported."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    """The options, as they were given; see the command's help."""

    rooms: int
    split: str
    sessions: Path | None
    stream: str | None
    visit: int | None
    half: bool
    methods: tuple[str, ...]
    student: str
    expert: str | None
    seed: int
    seeds: int
    jobs: int
    out: Path | None
    picture: Path | None
    home_every: int | None = None
    review: bool = False
    more_views: bool = False
