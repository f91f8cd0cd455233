"""The tree of errors that a user may meet; anything else that is raised is a bug.

    RoomwiseError
    ├── ConfigError                 a value or key in roomwise.toml or ROOMWISE_* is wrong
    ├── InputError                  what was asked or shown cannot be used
    │   ├── ImageError              not an image, truncated, too large
    │   ├── QuestionError           empty, too long
    │   ├── AnswerError             empty, too long to be remembered
    │   ├── RoomNameError           not usable as a folder's name
    │   ├── UnknownPairError        no pair of that id, or several
    │   └── ArchiveError            an export that cannot be imported
    ├── ModelError
    │   ├── UnknownModelError       no model of that name
    │   ├── DownloadError           the hub cannot give a model just now
    │   └── WeightsError            damaged weights, or weights of another base
    ├── ExpertError                 the expert cannot be asked just now
    ├── CaptureError                a camera or microphone is not there or gives nothing
    ├── MissingDependencyError      an optional library is not installed
    └── StorageError                disk full, unreadable, not ours to write

The command prints the message on one line and exits with `exit_code`. Say what was wrong, and end with the
remedy: "No image at x.jpg. Check the path." Translate foreign errors once, with `raise ... from error`.
"""


class RoomwiseError(Exception):
    """Something the user can put right. The message ends with how."""

    exit_code = 2


class ConfigError(RoomwiseError):
    """A configuration key is unknown or its value does not fit."""


class InputError(RoomwiseError):
    """What was asked or shown cannot be used."""


class ImageError(InputError):
    """An image file is missing, not an image, truncated, or too large."""


class QuestionError(InputError):
    """A question is empty or too long."""


class AnswerError(InputError):
    """An answer is empty or too long to be remembered."""


class RoomNameError(InputError):
    """A room's name cannot be used as a folder's on every system."""


class UnknownPairError(InputError):
    """No remembered pair has this id, or several begin with it."""


class ArchiveError(InputError):
    """An export of a memory is broken, foreign or not safe to import."""


class ModelError(RoomwiseError):
    """A model cannot be loaded or used."""


class UnknownModelError(ModelError):
    """No model has this name; the message lists the nearest."""


class DownloadError(ModelError):
    """The hub cannot be reached, does not give a model, or gave other bytes than it named."""


class WeightsError(ModelError):
    """A weights file is damaged or belongs to another base."""


class ExpertError(RoomwiseError):
    """The expert cannot be reached or has no answer; the agent goes on without it."""


class UnusableAnswerError(ExpertError):
    """The expert has answered, but not with words that can be an answer; it would say the same again."""


class CaptureError(RoomwiseError):
    """A camera or microphone is not there, or gives nothing."""


class MissingDependencyError(RoomwiseError):
    """An optional library is needed here; the message says what to install."""


class StorageError(RoomwiseError):
    """A file or folder cannot be read or written: full, forbidden, missing."""
