"""A session's `Whereabouts`, made from what is installed and remembered; or why there is none."""

from collections.abc import Callable
from pathlib import Path

from agent.whereabouts.kinds import Kinds
from agent.whereabouts.recognition import read_calibrations
from agent.whereabouts.whereabouts import Whereabouts
from core.errors import ModelError
from memory.store import Memory
from models.places import load_places
from models.vlm import VisionLanguageModel


def whereabouts(
    memory: Memory,
    student: VisionLanguageModel,
    notice: Callable[[str], None],
    *,
    told: bool,
    unsettled: bool,
    state: Path,
) -> Whereabouts | None:
    """What tells rooms apart in a session; None where that cannot be loaded, which `notice` is told. `state`
    is where scene encoders are kept.

    Views that another encoder made are read again first, and told. Raises StorageError.
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
