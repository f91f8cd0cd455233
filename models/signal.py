"""Ask an expert how it came to its answer: where it looked for each word, and what else it nearly said."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from core.signal import TOP, TeacherSignal
from models.loss import IGNORED
from models.maps import laid_out
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

_SMALLEST = 1e-7  # probability; half precision holds its logarithm


def teacher_signals(
    expert: VisionLanguageModel, shown: VisionTokens, questions: Sequence[str], answers: Sequence[str]
) -> list[TeacherSignal]:
    """What the expert would ship beside its own `answers` to questions, one a picture, in one pass.

    `shown` holds the looks at the first, then at the second, as many of each: how likely words are is
    the mean over all of them, where the expert looked is told of the first. It must be loaded with
    attention="eager", else ModelError says so.
    """
    count = len(shown) // len(questions)
    with torch.no_grad():
        forced = expert.teacher_forced(
            shown,
            [question for question in questions for _ in range(count)],
            [answer for answer in answers for _ in range(count)],
            attentions=True,
        )
    found = []
    for place, question in enumerate(questions):
        rows = slice(place * count, (place + 1) * count)
        logprobs, ids = _top(forced.logits[rows], forced.labels[rows])
        found.append(
            TeacherSignal(
                spans=np.array(expert.question_spans(question), np.int32).reshape(-1, 2),
                attention=first_layer_map(forced, shown, rows.start).cpu().numpy().astype(np.float16),
                top_ids=ids.cpu().numpy().astype(np.int32),
                top_logprobs=logprobs.cpu().numpy().astype(np.float16),
                vocabulary=vocabulary(expert.tokenizer),
            )
        )
    return found


def first_layer_map(forced: TeacherForced, vision: VisionTokens, row: int = 0) -> torch.Tensor:
    """What each of the question's tokens sees of the grid in the first layer, [T, rows, cols] float32.

    Heads are averaged; the mean token is left out; raw mass, so rows sum to less than 1.
    """
    heads = forced.attentions[0][row].float().mean(dim=0)
    seen = heads[forced.txt[row]][:, forced.vis[row]]
    if forced.kept is not None:
        seen = laid_out(seen, forced.kept[row][forced.kept[row] >= 0], vision.whole)
    seen = seen[:, int(vision.mean_token) :]
    return seen.reshape(-1, vision.rows, vision.cols)


def focus(looks: torch.Tensor, k: int) -> torch.Tensor:
    """The k picture tokens that the question's words look at most, int64 [B, k], the most looked-at first.

    `looks` [B, H, W, N] are first-layer text-to-vision maps, rows of 0 for padding: heads are averaged and
    words added up. Raises ValueError for more tokens than there are. Align-KD (CVPR 2025, arXiv 2412.01282).
    """
    scores = looks.detach().float().mean(dim=1).sum(dim=1)
    if not 0 < k <= scores.shape[-1]:
        raise ValueError(f"{k} of {scores.shape[-1]} vision tokens cannot be in focus")
    return scores.topk(k, dim=-1).indices


def focus_size(cells: int) -> int:
    """How many of N tokens are in focus: a ninth, as the paper's 16 of 144, but 4 at least if there are."""
    return min(cells, max(4, round(cells / 9)))


def vocabulary(tokenizer: PreTrainedTokenizerBase) -> str:
    """The SHA-256 of the tokenizer's definition: equal when ids mean the same."""
    definition: str = tokenizer.backend_tokenizer.to_str()
    return _sha256(definition)


@lru_cache(maxsize=8)
def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _top(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and ids of the likeliest tokens at each place of one answer, [A, k] each.

    `logits` [looks, T, V], `labels` [looks, T], the same in every row.
    """
    told = labels[0] != IGNORED
    logprobs = logits[:, told].float().softmax(dim=-1).mean(dim=0).clamp(min=_SMALLEST).log()
    values, ids = logprobs.topk(min(TOP, logprobs.shape[-1]), dim=-1)
    return values, ids
