"""After a visit the expert is asked what the student answered itself, so that whole visits are remembered.

Every question is a call to the expert. Nothing of it was known during the visit.
"""

from pathlib import Path
from typing import Any

from agent.recording.visit import Visit
from agent.turns.remembering import pair_id
from core.frames import read_frame
from memory.store import Memory
from models.embedder import room_embedder
from models.registry import load_model


def review(memory: Path, student: str, visit: Visit, told: dict[str, Any], max_pixels: int) -> int:
    """Put the expert's answers to the turns after the warm-up into a folder of pairs; how many calls.

    `told` is what the visit's replay told. What is there already stays as it is. Raises StorageError.
    """
    calls = 0
    with Memory.open(memory, room_embedder(load_model(student))) as pairs:
        for turn in told["turns"]:
            words, asked = turn["said"].get("expert", ""), visit.turns[turn["turn"] - 1]
            if words:
                number = pair_id(told["session"], turn["turn"])
                frame = read_frame(asked.frame, max_pixels)
                pairs.add(visit.room, frame, asked.question, words, "expert", "expert", id=number)
                calls += 1
    return calls
