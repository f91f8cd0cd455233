"""Any folder of paired pictures: FILE.jpg or FILE.png with its depth beside it as FILE.depth.png.

    CLASS/FILE.jpg, CLASS/FILE.depth.png          or, where frames of one room belong together,
    CLASS/ROOM/FILE.jpg, CLASS/ROOM/FILE.depth.png

Depth is 16-bit PNG in millimetres, 0 where nothing was measured, and lies on top of its picture. In a class
folder's name "-" may stand for "/", which names of folders cannot hold: `bedroom - hotel`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from models.scene.paired import DEPTH, beside, read_pair


@dataclass(frozen=True)
class PairedFrames:
    """Squeezed: uint8 [n, 160, 160, 3], depth uint16 [n, 160, 160] millimetres; names of class and room."""

    frames: NDArray[np.uint8]
    depth: NDArray[np.uint16]
    classes: list[str]
    rooms: list[str]


def read_folder(folder: Path) -> PairedFrames:
    """All pairs below a folder. Raises InputError where a pair is broken, and when there is none."""
    pictures = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png") and not path.name.endswith(DEPTH)
    )
    if not pictures:
        raise InputError(
            f"There are no pictures below {folder}. Expected CLASS/FILE.jpg with CLASS/FILE.depth.png."
        )
    read = [read_pair(path, beside(path)) for path in pictures]
    return PairedFrames(
        np.stack([frame for frame, _ in read]),
        np.stack([depth for _, depth in read]),
        [path.relative_to(folder).parts[0].replace(" - ", " / ") for path in pictures],
        [str(path.parent.relative_to(folder)) for path in pictures],
    )
