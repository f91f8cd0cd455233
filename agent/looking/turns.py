"""Where student and expert look for the answers of a session, one small picture a turn and model."""

from pathlib import Path

import torch
from PIL.Image import Image

from adapters.jobs.store import AdapterStore
from agent.looking.heat import heated, jpeg, sized
from agent.recording.record import Recording
from agent.recording.summary import Summary
from core.errors import RoomwiseError
from core.pictures import load_image
from models.inside.attention import attention_maps, check_size, teacher_forced_with_maps
from models.lora import AdapterSlot, base_of, read_adapter
from models.registry import load_model
from models.vlm import VisionLanguageModel, VisionTokens

_SIDE, _QUALITY, _MAX_PIXELS = 152, 70, 50_000_000


def looks_of_turns(recording: Recording, summary: Summary, adapters: Path) -> dict[int, dict[str, bytes]]:
    """By turn and model a JPEG of some kilobytes; the student has the adapter that it ended with.

    A model that is not on this machine, or gives no maps, is left out: a page is no place to fail.
    """
    found: dict[int, dict[str, bytes]] = {turn.turn: {} for turn in summary.turns if turn.answer}
    for role in ("student", "expert"):
        try:
            name = str(recording.about.get(role, ""))
            vlm = load_model(name)
            if role == "student":
                _adapt(vlm, name, str(recording.about.get("room", "")), adapters)
            glance = Glances(vlm)
            for turn in summary.turns:
                if turn.answer:
                    frame = recording.blob(turn.frame, ".jpg")
                    found[turn.turn][name] = glance.at(frame, turn.question, turn.answer)
        except RoomwiseError:
            continue
    return {turn: looks for turn, looks in found.items() if looks}


class Glances:
    """One model's looks; a frame that is asked about again is encoded once."""

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self._vlm = vlm
        self._seen: dict[Path, tuple[Image, VisionTokens]] = {}

    def at(self, frame: Path, question: str, answer: str) -> bytes:
        """One small JPEG. Raises ImageError, QuestionError, InputError."""
        picture, vision = self._encoded(frame)
        with torch.inference_mode():
            looks = attention_maps(
                teacher_forced_with_maps(self._vlm, vision, question, answer), vision, "answer"
            )
        assert looks is not None  # an answer has words
        return jpeg(heated(picture, looks.select().cpu().numpy()), _QUALITY)

    def _encoded(self, frame: Path) -> tuple[Image, VisionTokens]:
        if frame not in self._seen:
            picture = load_image(frame, _MAX_PIXELS)
            with torch.inference_mode():
                vision = self._vlm.encode_images([picture])
            check_size(picture, vision, self._vlm.name)
            self._seen[frame] = sized(picture, _SIDE), vision
        return self._seen[frame]


def _adapt(vlm: VisionLanguageModel, name: str, room: str, adapters: Path) -> None:
    version = AdapterStore(adapters).current(room)
    if version is not None:
        AdapterSlot(vlm).activate(read_adapter(version.folder, base_of(name)))
