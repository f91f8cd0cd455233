"""The statuses of any device: lost, back, or ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lost:
    """The device gives nothing and is being reopened. The reason ends with a remedy."""

    reason: str


@dataclass(frozen=True)
class DeviceBack:
    """The device gives again, `after` so many seconds."""

    after: float


@dataclass(frozen=True)
class Ended:
    """A file, folder or recording has ended, without repeat."""
