"""Write version.json: where an adapter comes from, and its scores."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from adapters.jobs.request import Request
from core.files import atomic_write_text, sha256_file
from models.adapter_files import VERSION_FILE, WEIGHTS_FILE, Base, check_version

SCHEMA = 1
_LIBRARIES = ("roomwise", "torch", "transformers", "peft", "safetensors", "numpy")


def write_version(
    folder: Path,
    base: Base,
    request: Request,
    scores: Mapping[str, Any],
    steps: int,
    seconds: float,
    keep_tokens: float | None = None,
) -> None:
    """Write version.json beside an adapter's two files. Raises StorageError.

    `keep_tokens`: the share of vision tokens found to be enough, None if not tested.
    """
    values = {
        "schema": SCHEMA,
        "room": request.room,
        "base": vars(base),
        "sha256": sha256_file(folder / WEIGHTS_FILE),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "before": None if request.current is None else _identify(request.current),
        "parent": None if request.parent is None else _identify(request.parent),
        "pairs": [example.id for example in (*request.train, *request.hold_out, *request.extra)],
        "held_out": [example.id for example in request.hold_out],
        "replayed": [example.id for example in request.replay],
        "seed": request.seed,
        "recipe": asdict(request.recipe),
        "limits": asdict(request.limits),
        "steps": steps,
        "keep_tokens": keep_tokens,
        "seconds": round(seconds, 3),
        "scores": scores,
        "libraries": library_versions(),
    }
    atomic_write_text(folder / VERSION_FILE, json.dumps(values, indent=1) + "\n")


def _identify(folder: Path) -> dict[str, Any]:
    """The room, version and digest of an adapter. Raises WeightsError, StorageError."""
    about = check_version(folder)
    return {"room": about.get("room"), "version": folder.name, "sha256": about["sha256"]}


def library_versions() -> dict[str, str]:
    """Versions of Python and the libraries that made an adapter."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # run from a checkout that is not installed
            continue
    return versions
