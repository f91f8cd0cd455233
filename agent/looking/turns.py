"""Attention maps for the answers of a session, one small picture a turn and model."""

from pathlib import Path

import torch
from PIL.Image import Image

from adapters.jobs.store import AdapterStore
from agent.looking.heat import draw_heat, shrink
from agent.recording.record import Recording
from agent.recording.summary import Summary
from core.errors import RoomwiseError
from core.frames import encode
from models.images import load_image
from models.inside.attention import attention_maps, check_size, teacher_forced_with_maps
from models.lora import AdapterSlot, base_of, read_adapter
from models.registry import load_model
from models.vlm import VisionLanguageModel, VisionTokens

_SIDE, _QUALITY, _MAX_PIXELS = 152, 70, 50_000_000


def turn_maps(recording: Recording, summary: Summary, adapters: Path) -> dict[int, dict[str, bytes]]:
    """By turn and model a JPEG of some kilobytes; the student has its last adapter. A model that is not on
    this machine, or gives no maps, is left out: a report is no place to fail.
    """
    maps: dict[int, dict[str, bytes]] = {turn.turn: {} for turn in summary.turns if turn.answer}
    for role in ("student", "expert"):
        try:
            name = str(recording.about.get(role, ""))
            vlm = load_model(name)
            if role == "student":
                _activate_adapter(vlm, name, str(recording.about.get("room", "")), adapters)
            mapper = TurnMapper(vlm)
            for turn in summary.turns:
                if turn.answer:
                    frame = recording.blob(turn.frame, ".jpg")
                    maps[turn.turn][name] = mapper.at(frame, turn.question, turn.answer)
        except RoomwiseError:
            continue
    return {turn: by_model for turn, by_model in maps.items() if by_model}


class TurnMapper:
    """Maps one model's attention; each frame is encoded once."""

    def __init__(self, vlm: VisionLanguageModel) -> None:
        self._vlm = vlm
        self._seen: dict[Path, tuple[Image, VisionTokens]] = {}

    def at(self, frame: Path, question: str, answer: str) -> bytes:
        """One small JPEG. Raises ImageError, QuestionError, InputError."""
        picture, vision = self._encode(frame)
        with torch.inference_mode():
            looks = attention_maps(
                teacher_forced_with_maps(self._vlm, vision, question, answer), vision, "answer"
            )
        assert looks is not None  # an answer has words
        return encode(draw_heat(picture, looks.select().cpu().numpy()), _QUALITY)

    def _encode(self, frame: Path) -> tuple[Image, VisionTokens]:
        if frame not in self._seen:
            picture = load_image(frame, _MAX_PIXELS)
            with torch.inference_mode():
                vision = self._vlm.encode_images([picture])
            check_size(picture, vision, self._vlm.name)
            self._seen[frame] = shrink(picture, _SIDE), vision
        return self._seen[frame]


def _activate_adapter(vlm: VisionLanguageModel, name: str, room: str, adapters: Path) -> None:
    version = AdapterStore(adapters).current(room)
    if version is not None:
        AdapterSlot(vlm).activate(read_adapter(version.folder, base_of(name)))
