"""Spoilt inputs for every parser: each is read, or refused in a sentence; nothing else may happen."""

import math
import os
import random
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import RoomwiseError
from soak.ledger import Ledger
from soak.mutate import mutate
from soak.parser import Parser
from soak.parsers import PARSERS

LONGEST = 5
"""Seconds that reading may take."""
_ROUND = 2000
BY_RIGHT = ("/tmp/", "/proc/", "/dev/")
"""Where temporary files are."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
}


@dataclass
class Findings:
    """Of one parser: how many inputs were read and refused, and what should not have happened, by place."""

    read: int = 0
    refused: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, done: dict[str, Any]) -> None:
        self.read += done["read"]
        self.refused += done["refused"]
        self.faults += Counter(done["faults"])

    @property
    def inputs(self) -> int:
        return self.read + self.refused + sum(self.faults.values())


class _Hang(BaseException):
    pass


class Fence:
    """Notes every file that is written outside a folder while it is up. There is one a process."""

    def __init__(self) -> None:
        self._inside: str | None = None
        self.outside: list[str] = []
        sys.addaudithook(self._notice)

    @contextmanager
    def around(self, folder: Path) -> Iterator[None]:
        self._inside, self.outside = str(folder.resolve()), []
        try:
            yield
        finally:
            self._inside = None

    def _notice(self, event: str, args: tuple[Any, ...]) -> None:
        if self._inside is None:
            return
        written = event == "open" and isinstance(args[2], int) and args[2] & _WRITING
        # A name below an open folder, which has a number, is that folder's.
        changed = event in _CHANGES and not any(isinstance(arg, int) and arg > 2 for arg in args[1:])
        if written or changed or event == "sqlite3.connect":
            self._check(args[0])

    def _check(self, path: Any) -> None:
        if isinstance(path, int) or path in (":memory:", "/dev/null"):
            return
        name = os.path.abspath(os.fsdecode(path))
        if not name.startswith((f"{self._inside}/", *BY_RIGHT)) and "__pycache__" not in name:
            self.outside.append(name)


def try_all(count: int, seed: int, folder: Path) -> dict[str, Findings]:
    """About `count` inputs over all parsers, slow ones fewer; goes on where it was cut short."""
    rounds = Ledger(folder / f"inputs-{seed}.jsonl")
    findings = {parser.name: Findings() for parser in PARSERS}
    begun: Counter[str] = Counter()
    for done in rounds:
        findings[done["parser"]].add(done)
        begun[done["parser"]] += done["count"]
    fence = Fence()
    shares = {parser.name: 1 / parser.cost for parser in PARSERS}
    for parser in PARSERS:
        wanted = math.ceil(count * shares[parser.name] / sum(shares.values()))
        while begun[parser.name] < wanted:
            start, number = begun[parser.name], min(_ROUND, wanted - begun[parser.name])
            with tempfile.TemporaryDirectory() as place:
                found = try_inputs(parser, Path(place) / "in", start, number, seed, fence)
            done = {"parser": parser.name, "count": number, "read": found.read, "refused": found.refused}
            rounds.keep({**done, "faults": found.faults})
            findings[parser.name].add({**done, "faults": found.faults})
            begun[parser.name] += number
            rounds.tell(f"{parser.name}: {begun[parser.name]} of {wanted}")
    return findings


def try_inputs(parser: Parser, folder: Path, start: int, count: int, seed: int, fence: Fence) -> Findings:
    """`count` inputs from number `start` on; the same numbers give the same inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    names = parser.prepare(folder)
    samples = {name: (folder / name).read_bytes() for name in names}
    known = _tree(folder)
    findings = Findings()
    signal.signal(signal.SIGALRM, _hang)
    for number in range(start, start + count):
        chance = random.Random(f"{seed} {parser.name} {number}")
        name = chance.choice(list(names))
        (folder / name).write_bytes(mutate(samples[name], chance))
        with fence.around(folder):
            fault = _try(parser, folder, findings)
        if fence.outside:
            fault = f"wrote {fence.outside[0]}"
        if fault:
            findings.faults[f"{fault} (first: {number})" if fault not in str(findings.faults) else fault] += 1
        _restore(folder, known, samples)
    return findings


def _try(parser: Parser, folder: Path, findings: Findings) -> str:
    """What should not have happened, or ""."""
    signal.alarm(LONGEST)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser.read(folder)
    except RoomwiseError:
        findings.refused += 1
    except (Exception, _Hang) as error:  # noqa: BLE001  # this is what is looked for
        where = traceback.extract_tb(error.__traceback__)
        ours = [
            line for line in where if "site-packages" not in line.filename and "/soak/" not in line.filename
        ]
        place = ours[-1] if ours else where[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:80]}"
    else:
        findings.read += 1
    finally:
        signal.alarm(0)
    return ""


def _hang(*_: object) -> None:
    raise _Hang(f"not read after {LONGEST} s")


def _tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _restore(folder: Path, known: set[Path], samples: dict[str, bytes]) -> None:
    """The folder as it was prepared."""
    for path in sorted(_tree(folder) - known, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, data in samples.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
