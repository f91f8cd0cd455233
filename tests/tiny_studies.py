"""A study small enough for a test: two tiny models of other sizes, and rooms that nobody rendered."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tiny_models import TEXTS, TINY, shaken, tiny_florence
from tiny_sessions import write_visit

from bench.pretrain.blueprint import new_model, new_processor, save_model
from bench.pretrain.vocabulary import train_tokenizer
from bench.studies.distill.few_shot import FewShotCourse
from bench.studies.distill.fitting import FitSettings
from bench.studies.few_shot import fits, rooms
from bench.studies.few_shot.rooms import StudyPlan

TURNS = 13
OTHER = replace(TINY, image_size=96, d_model=48, encoder_layers=3, attention_heads=6)
"""More heads, more layers, a grid of 6 x 6 where TINY's is 3 x 3."""


def save_pair(folder: Path, texts: list[str] = TEXTS) -> tuple[str, str]:
    """Student and expert on disk; an expert with other texts has another vocabulary."""
    save_model(*tiny_florence(), folder / "student")
    tokenizer = train_tokenizer(texts, vocab_size=300)
    expert = shaken(new_model(OTHER, tokenizer, 1), 1)
    save_model(expert, new_processor(OTHER, tokenizer), folder / "expert")
    return str(folder / "student"), str(folder / "expert")


def tiny_plan(folder: Path, out: str = "out", texts: list[str] = TEXTS) -> StudyPlan:
    """Two steps a method, one look at a frame, short answers."""
    names = (str(folder / "student"), str(folder / "expert"))
    if not Path(names[0]).is_dir():
        save_pair(folder, texts)
    return StudyPlan(*names, "test", FewShotCourse(rank=2, alpha=4.0, steps=2, rate=2e-2), folder / out, 1, 4)


def without_rendering(patch: pytest.MonkeyPatch) -> None:
    """Rooms are two pictures with questions, and autoencoders are fitted on one of them, for an epoch."""

    def written(session: object, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_visit(folder, TURNS)

    patch.setattr(rooms, "make_session", lambda split, index, size: index)
    patch.setattr(rooms, "write_session", written)
    patch.setattr(fits, "ROOMS", 1)
    patch.setattr(fits, "FitSettings", partial(FitSettings, epochs=1))
