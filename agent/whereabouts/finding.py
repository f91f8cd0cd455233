"""Opens a session's `Whereabouts` from what is installed and remembered, or says why it cannot."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from adapters.scene.adapting import BUILTIN, encoder_folder
from agent.whereabouts.recognition import brightness, is_dark, read_calibrations
from agent.whereabouts.whereabouts import Sight, Whereabouts
from core.errors import InputError, ModelError
from core.extras import load
from core.ports import Rows, SceneEncoder
from memory.store import Memory
from models.scene.names import SCANNET, CentredText, alternatives
from models.scene.places import load_places
from models.vlm import VisionLanguageModel

_NAMES = tuple(name for name in SCANNET if name != "misc")


class Kinds:
    """Recognises the kind of a new room; loads its models only when first asked. `state` holds the cameras'
    scene encoders, `text` is the text encoder whose names they learnt.
    """

    def __init__(self, state: Path, text: Callable[[list[str]], Rows]) -> None:
        self._state, self._text = state, text

    def of(self, sight: Sight) -> str:
        """The likeliest of ScanNet's places, "" for a view that shows nothing. Raises WeightsError."""
        folder = encoder_folder(self._state, sight.camera, BUILTIN) if sight.camera else BUILTIN
        encoder: SceneEncoder = load("models.scene.encoder:load_scene_encoder")(folder, integers=False)
        rows = list(_rows(encoder, sight))
        if not rows:
            return ""
        classes = load("models.scene.names:class_rows")(CentredText(self._text).text, _NAMES)
        return alternatives(_NAMES[int(np.argmax(np.sum(rows, 0) @ classes.T))])[0]


def _rows(encoder: SceneEncoder, sight: Sight) -> Iterator[Rows]:
    """A unit row [d] of each modality that shows something."""
    if not is_dark(brightness(sight.picture)):
        with suppress(InputError):
            yield encoder.rgb([sight.picture])[0]
    if sight.depth is not None:
        with suppress(InputError):
            yield encoder.depth([sight.depth])[0]


def open_whereabouts(
    memory: Memory,
    student: VisionLanguageModel,
    notice: Callable[[str], None],
    *,
    told: bool,
    unsettled: bool,
    state: Path,
) -> Whereabouts | None:
    """What tells rooms apart in a session; None where it cannot be loaded, which `notice` is told. `state`
    holds scene encoders. Views by another encoder are encoded again first. Raises StorageError.
    """
    try:
        encoder = load_places(student)
        calibrations = read_calibrations(encoder.name)
    except ModelError as error:
        notice(f"Rooms are not recognised. {error}")
        return None
    memory.gallery.catch_up(encoder, notice)
    kinds = Kinds(state, memory.embedder.text).of if memory.embedder else None
    return Whereabouts(memory.gallery, encoder, calibrations, told=told, unsettled=unsettled, kinds=kinds)
