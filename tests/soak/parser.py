"""A reader of what others may have written, with a valid sample to spoil."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Read = Callable[[Path], object]
LARGEST = 50_000_000
"""Pixels."""


@dataclass(frozen=True)
class Parser:
    """`prepare` fills a folder and names the files to spoil; `read` reads the folder."""

    name: str
    prepare: Callable[[Path], Sequence[str]]
    read: Read
    cost: int = 1
    """How many times as long as the others it takes."""


def bytes_parser(
    name: str, sample: Callable[[], bytes], read: Callable[[bytes], object], cost: int = 1
) -> Parser:
    """A parser of bytes alone."""

    def prepare(folder: Path) -> Sequence[str]:
        (folder / "bytes").write_bytes(sample())
        return ["bytes"]

    return Parser(name, prepare, lambda folder: read((folder / "bytes").read_bytes()), cost)


def file_parser(name: str, file: str, text: str, read: Read, cost: int = 1) -> Parser:
    """A parser of one file."""

    def prepare(folder: Path) -> Sequence[str]:
        (folder / file).write_text(text, encoding="utf-8")
        return [file]

    return Parser(name, prepare, read, cost)


def copied_parser(name: str, source: Path, read: Read) -> Parser:
    """A parser of a file that comes with the program."""

    def prepare(folder: Path) -> Sequence[str]:
        (folder / source.name).write_bytes(source.read_bytes())
        return [source.name]

    return Parser(name, prepare, read)
