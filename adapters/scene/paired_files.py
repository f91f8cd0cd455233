"""Find pictures with their depth in a folder. Needs no torch."""

from pathlib import Path

from core.errors import InputError

_PICTURES = (".jpg", ".jpeg", ".png")
DEPTH = ".depth.png"


def list_pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Pictures below a folder and their depth, FILE.jpg and FILE.depth.png, by name.

    Raises InputError when there is none.
    """
    pictures = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _PICTURES and not path.name.endswith(DEPTH)
    )
    pairs = [(path.resolve(), path.with_name(path.stem + DEPTH).resolve()) for path in pictures]
    whole = [pair for pair in pairs if pair[1].is_file()]
    if not whole:
        raise InputError(
            f"No picture below {folder} has its depth beside it. Expected FILE.jpg and FILE{DEPTH}."
        )
    return whole
