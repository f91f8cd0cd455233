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
def answer_all_ways(
    student: VisionLanguageModel,
    expert: VisionLanguageModel,
    pictured: Sequence[PicturedQuestion],
    shares: Sequence[float],
    merges: Sequence[bool],
    seed: int,
) -> Right:
    """Every question answered with all tokens, under ("all", 1, False), and in every other way."""
    right: Right = defaultdict(lambda: np.zeros(len(pictured), dtype=bool))
    generator = torch.Generator().manual_seed(seed)
    pictures = track(by_picture(pictured), "pictures", console=Console(stderr=True), transient=True)
    for picture, places in pictures:
        vision = student.encode_images([picture])
        questions = [pictured[place].question.text for place in places]

        def score(name: tuple[str, float, bool], part: VisionTokens) -> None:
            answers = student.answer_many(part, questions, _LONGEST)  # noqa: B023
            for place, answer in zip(places, answers, strict=True):  # noqa: B023
                right[name][place] = exact_match(answer.text, pictured[place].question.answer)

        score(("all", 1.0, False), vision)
        expert_vision = expert.encode_images([picture])
        importances = _importances(student, vision, expert, expert_vision, questions, generator)
        cells = vision.tokens[:, int(vision.mean_token) :]
        for share in shares:
            rule = Rule(share=share)
            importances["spread"] = spread(cells, cells_kept(rule, cells.shape[1])).expand(len(questions), -1)
            for kind in KINDS:
                for merge in merges:
                    kept = choose_cells(importances[kind], rule)
                    score((kind, share, merge), drop_cells(vision, kept, merge))
    return dict(right)


def _importances(
    student: VisionLanguageModel,
    vision: VisionTokens,
    expert: VisionLanguageModel,
    expert_vision: VisionTokens,
    questions: Sequence[str],
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """Importance of every cell for every question [B, N], by kind."""
    first_layer = student.first_layer_attention(vision, questions, everything=True)
    first = int(vision.mean_token)
    importances = {
        "t2v": importance(first_layer, "t2v")[:, first:],
        "colmean": importance(first_layer, "colmean")[:, first:],
    }
    importances["fused"] = fused(importances["t2v"], importances["colmean"])
    expert_map = importance(expert.first_layer_attention(expert_vision, questions), "t2v")
    cells = expert_map[:, int(expert_vision.mean_token) :]
    maps = cells.reshape(len(questions), expert_vision.rows, expert_vision.cols)
    importances["expert_t2v"] = resample_keys(maps, vision.rows, vision.cols).flatten(1)
    importances["random"] = torch.rand(importances["t2v"].shape, generator=generator).to(vision.tokens.device)
    return importances


def accuracy_rows(
    model: str, questions: Sequence[PicturedQuestion], right: Right, seed: int
) -> Iterator[Row]:
    """Exact match, and the difference from all tokens on the same questions; intervals over rooms."""
    rooms = [question.room for question in questions]
    with_all = right["all", 1.0, False]
    for (kind, share, merge), correct in right.items():
        method = f"{kind}+merge" if merge else kind
        about: dict[str, Value] = {"model": model, "method": method, "share": share}
        yield measured(bootstrap_mean(correct, rooms, seed=seed), metric="exact", **about)
        if kind != "all":
            lost = paired_difference(correct, with_all, rooms, seed=seed)
            yield measured(lost, metric="exact difference", **about)


def cheapest(rows: Sequence[Row], allowed: float, share: float, usable: Callable[[str], bool]) -> list[str]:
    """Methods that at this share lose at most `allowed` of all questions, the best first."""
    candidates = [
        (float(row["mean"] or 0), str(row["method"]))
        for row in rows
        if row["metric"] == "exact difference" and row["share"] == share and usable(str(row["method"]))
    ]
    return [name for lost, name in sorted(candidates, reverse=True) if lost >= -allowed]
