"""Which vision tokens can go: exact match on rooms nobody trained on, by what chooses and how many stay."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from bench.measure.intervals import bootstrap_mean, paired_difference
from bench.measure.report import Row, Value, measured
from bench.pair.models import PicturedQuestion, by_picture
from core.scoring import exact_match
from models.alignment import resample_keys
from models.token_pruning import Rule, cells_kept, choose_cells, drop_cells, fused, importance, spread
from models.vlm import VisionLanguageModel, VisionTokens

KINDS = ("spread", "t2v", "colmean", "fused", "expert_t2v", "random")
"""expert_t2v needs the expert beside the student at every question: a bound, not a way to serve."""
SHARES = (0.75, 0.5, 0.25)
_LONGEST = 12

Right = dict[tuple[str, float, bool], NDArray[np.bool_]]
"""By what chose, the share kept and whether the rest was merged: right or wrong, a question each."""


@torch.inference_mode()
def answered(
    student: VisionLanguageModel,
    expert: VisionLanguageModel,
    asked: Sequence[PicturedQuestion],
    shares: Sequence[float],
    merges: Sequence[bool],
    seed: int,
) -> Right:
    """Every question answered with all tokens, under ("all", 1, False), and in every other way."""
    right: Right = defaultdict(lambda: np.zeros(len(asked), dtype=bool))
    generator = torch.Generator().manual_seed(seed)
    shown = track(by_picture(asked), "pictures", console=Console(stderr=True), transient=True)
    for picture, places in shown:
        vision = student.encode_images([picture])
        questions = [asked[place].question.text for place in places]

        def score(name: tuple[str, float, bool], part: VisionTokens) -> None:
            said = student.answer_many(part, questions, _LONGEST)  # noqa: B023
            for place, answer in zip(places, said, strict=True):  # noqa: B023
                right[name][place] = exact_match(answer.text, asked[place].question.answer)

        score(("all", 1.0, False), vision)
        told = _told(student, vision, expert, expert.encode_images([picture]), questions, generator)
        cells = vision.tokens[:, int(vision.mean_token) :]
        for share in shares:
            rule = Rule(share=share)
            told["spread"] = spread(cells, cells_kept(rule, cells.shape[1])).expand(len(questions), -1)
            for kind in KINDS:
                for merge in merges:
                    score((kind, share, merge), drop_cells(vision, choose_cells(told[kind], rule), merge))
    return dict(right)


def _told(
    student: VisionLanguageModel,
    vision: VisionTokens,
    expert: VisionLanguageModel,
    seen: VisionTokens,
    questions: Sequence[str],
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """Importance of every cell for every question [B, N], by kind."""
    look = student.first_layer_attention(vision, questions, everything=True)
    first = int(vision.mean_token)
    told = {
        "t2v": importance(look, "t2v")[:, first:],
        "colmean": importance(look, "colmean")[:, first:],
    }
    told["fused"] = fused(told["t2v"], told["colmean"])
    theirs = importance(expert.first_layer_attention(seen, questions), "t2v")[:, int(seen.mean_token) :]
    maps = theirs.reshape(len(questions), seen.rows, seen.cols)
    told["expert_t2v"] = resample_keys(maps, vision.rows, vision.cols).flatten(1)
    told["random"] = torch.rand(told["t2v"].shape, generator=generator).to(vision.tokens.device)
    return told


def accuracy_rows(model: str, asked: Sequence[PicturedQuestion], right: Right, seed: int) -> Iterator[Row]:
    """Exact match, and the difference from all tokens on the same questions; intervals over rooms."""
    rooms = [one.room for one in asked]
    every = right["all", 1.0, False]
    for (kind, share, merge), found in right.items():
        about: dict[str, Value] = {
            "model": model,
            "method": f"{kind}+merge" if merge else kind,
            "share": share,
        }
        yield measured(bootstrap_mean(found, rooms, seed=seed), metric="exact", **about)
        if kind != "all":
            lost = paired_difference(found, every, rooms, seed=seed)
            yield measured(lost, metric="exact difference", **about)


def cheapest(rows: Sequence[Row], allowed: float, share: float, usable: Callable[[str], bool]) -> list[str]:
    """Methods that at this share lose at most `allowed` of all questions, the best first."""
    found = [
        (float(row["mean"] or 0), str(row["method"]))
        for row in rows
        if row["metric"] == "exact difference" and row["share"] == share and usable(str(row["method"]))
    ]
    return [name for lost, name in sorted(found, reverse=True) if lost >= -allowed]
