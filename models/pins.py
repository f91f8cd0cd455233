"""Which commit of a model of the hub is used here: the one that was fetched, whatever the hub has later."""

import json
from pathlib import Path
from typing import Annotated

import pydantic
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from typing_extensions import TypedDict

from core.errors import WeightsError
from core.files import atomic_write_text, state_dir
from core.untrusted import read_as
from models.known import HUB, PATTERNS

Commit = Annotated[str, pydantic.StringConstraints(pattern=r"^[0-9a-f]{40}$")]
"""A commit's whole hash."""


class _Pin(TypedDict):
    repo: str
    commit: Commit


def pinned(name: str, repo: str) -> str | None:
    """The commit of a model that was fetched; None without one, or if it was of another repository.

    Raises WeightsError for a damaged file.
    """
    path = _file(name)
    if not path.is_file():
        return None
    pin: _Pin = read_as(path, _Pin, WeightsError, f"Delete it, then: roomwise models pull {name}")
    return pin["commit"] if pin["repo"] == repo else None


def hub_folder(name: str) -> Path | None:
    """The folder of a model of the hub, by the commit that was fetched; None where it is not here."""
    repo = HUB[name].repo
    try:
        return Path(
            snapshot_download(
                repo, revision=pinned(name, repo), local_files_only=True, allow_patterns=list(PATTERNS)
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def pin(name: str, repo: str, commit: str) -> None:
    """Use this commit from now on. Raises StorageError."""
    atomic_write_text(_file(name), json.dumps({"repo": repo, "commit": commit}) + "\n")


def _file(name: str) -> Path:
    return state_dir() / "models" / f"{name}.json"
