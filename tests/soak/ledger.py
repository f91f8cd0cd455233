"""A long trial in rounds that are kept as they are made, so that one that was cut short goes on."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Ledger:
    """The results of a trial, one JSON line each, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = 0.0
        path.parent.mkdir(parents=True, exist_ok=True)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        lines = self._path.read_text(encoding="utf-8").split("\n")[:-1] if self._path.exists() else []
        return map(json.loads, lines)

    def keep(self, result: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")

    def tell(self, text: str) -> None:
        """How far it is, every few seconds."""
        if time.monotonic() - self._told > 5:
            self._told = time.monotonic()
            sys.stderr.write(f"{text}\n")
