"""Make teacher signals: the expert's attention to the picture per word, and its likeliest tokens."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from core.signal import TOP, TeacherSignal
from models.loss import IGNORED
from models.maps import restore_places
from models.vlm import TeacherForced, VisionLanguageModel, VisionTokens

_SMALLEST = 1e-7  # probability; half precision holds its logarithm


def teacher_signals(
    expert: VisionLanguageModel, vision: VisionTokens, questions: Sequence[str], answers: Sequence[str]
) -> list[TeacherSignal]:
    """The teacher signals of the expert's own `answers`, one question per picture, in one pass.

    `vision` holds the same number of crops for each question: likelihoods are the mean over them, the
    attention map is that of the first. Raises ModelError unless loaded with attention="eager".
    """
    count = len(vision) // len(questions)
    with torch.no_grad():
        forced = expert.teacher_forced(
            vision,
            [question for question in questions for _ in range(count)],
            [answer for answer in answers for _ in range(count)],
            attentions=True,
        )
    signals = []
    for place, question in enumerate(questions):
        rows = slice(place * count, (place + 1) * count)
        logprobs, ids = _top_tokens(forced.logits[rows], forced.labels[rows])
        signals.append(
            TeacherSignal(
                spans=np.array(expert.question_spans(question), np.int32).reshape(-1, 2),
                attention=first_layer_map(forced, vision, rows.start).cpu().numpy().astype(np.float16),
                top_ids=ids.cpu().numpy().astype(np.int32),
                top_logprobs=logprobs.cpu().numpy().astype(np.float16),
                vocabulary=vocabulary(expert.tokenizer),
            )
        )
    return signals


def first_layer_map(forced: TeacherForced, vision: VisionTokens, row: int = 0) -> torch.Tensor:
    """First-layer attention of the question's tokens to the grid, [T, rows, cols] float32, heads averaged.

    Without the mean token; raw mass, so rows sum to less than 1.
    """
    heads = forced.attentions[0][row].float().mean(dim=0)
    attention = heads[forced.txt[row]][:, forced.vis[row]]
    if forced.kept is not None:
        attention = restore_places(attention, forced.kept[row][forced.kept[row] >= 0], vision.total)
    attention = attention[:, int(vision.mean_token) :]
    return attention.reshape(-1, vision.rows, vision.cols)


def focus(maps: torch.Tensor, k: int) -> torch.Tensor:
    """The k picture tokens with most attention from the question's words, int64 [B, k], best first.

    `maps` [B, H, W, N] are first-layer text-to-vision maps, rows of 0 for padding: heads are averaged, words
    summed. Raises ValueError for more tokens than there are. Align-KD (CVPR 2025, arXiv 2412.01282).
    """
    scores = maps.detach().float().mean(dim=1).sum(dim=1)
    if not 0 < k <= scores.shape[-1]:
        raise ValueError(f"{k} of {scores.shape[-1]} vision tokens cannot be in focus")
    return scores.topk(k, dim=-1).indices


def focus_size(cells: int) -> int:
    """How many of N tokens are in focus: a ninth, like the paper's 16 of 144, but at least 4."""
    return min(cells, max(4, round(cells / 9)))


def vocabulary(tokenizer: PreTrainedTokenizerBase) -> str:
    """The SHA-256 of the tokenizer's definition: equal when ids mean the same."""
    return _sha256(tokenizer.backend_tokenizer.to_str())


@lru_cache(maxsize=8)
def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _top_tokens(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and ids of the likeliest tokens at each place of one answer, [A, k] each.

    `logits` [crops, T, V], `labels` [crops, T], the same in every row.
    """
    answered = labels[0] != IGNORED
    logprobs = logits[:, answered].float().softmax(dim=-1).mean(dim=0).clamp(min=_SMALLEST).log()
    values, ids = logprobs.topk(min(TOP, logprobs.shape[-1]), dim=-1)
    return values, ids
