"""What becomes of any device once it is watched: it is lost, back, or what played in its place is over."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lost:
    """Nothing comes of it. The reason ends with a remedy; it is being opened again meanwhile."""

    reason: str


@dataclass(frozen=True)
class DeviceBack:
    """It gives again, so many seconds after the last before."""

    after: float


@dataclass(frozen=True)
class Ended:
    """A file, folder or recording in its place is over, and was not to be repeated."""
