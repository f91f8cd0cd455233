"""Answers a batch of questions about several frames in the same passes of one model."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adapters.training.codes import MapCoder, heat_maps, load_map_coder, paired_layers, transfer_name
from core.signal import TeacherSignal
from core.types import ExpertReply, Frame
from expert.asking import QuestionBatch
from models.expert import EncodedQuestion, LocalExpert
from models.remote.wire import OptionalSignal, WireAnswer
from models.signal import focus, focus_size
from models.vlm import VisionLanguageModel, VisionTokens, stack


class Coder:
    """Codes of one expert's canonical maps; `name` is the SHA-256 of the autoencoder's weights."""

    def __init__(self, vlm: VisionLanguageModel, coder: MapCoder, name: str) -> None:
        self._vlm, self._coder, self.name = vlm, coder, name

    @torch.no_grad()
    def codes(
        self, encoded: Sequence[VisionTokens], questions: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float16]:
        """Codes, float16 [B, width], for questions about the first view of each frame, with the expert's
        answers.
        """
        first = stack([vision.select([0]) for vision in encoded])
        forced = self._vlm.teacher_forced(first, questions, answers, attentions=True)
        channels, rows, cols = self._coder.shape
        pairs = paired_layers(channels, len(forced.attentions))
        layers = [forced.attentions[layer] for _, layer in pairs]
        grid = first.rows, first.cols
        maps = heat_maps(layers, forced.vis, forced.txt, grid, first.mean_token, (rows, cols))
        return self._coder.code(maps.cpu()).numpy().astype(np.float16)


def load_coder(vlm: VisionLanguageModel, folder: Path) -> Coder:
    """Load the autoencoder in a folder. Raises StorageError, WeightsError."""
    return Coder(vlm, load_map_coder(folder), transfer_name(folder))


_KEPT = 32
"""Frames whose encodings are kept: devices ask about the same frame several times."""
_SIGNALS = frozenset({"attention", "logprobs", "focus"})
"""Signals that are computed from a finished answer."""


class RequestBatcher:
    """Answers requests together, on the desk's thread only."""

    def __init__(self, expert: LocalExpert, coder: Coder | None = None) -> None:
        self._expert, self._coder = expert, coder
        self._encoded: OrderedDict[str, VisionTokens] = OrderedDict()

    def answer(self, requests: Sequence[QuestionBatch]) -> list[list[WireAnswer]]:
        """For each request its answers, one a question, in order."""
        encoded = self._encode([request.frame for request in requests])
        questions = [
            EncodedQuestion(
                encoded[request.frame.name], question, bool(request.signals & _SIGNALS), request.hear
            )
            for request in requests
            for question in request.questions
        ]
        replies = self._expert.answer_batch(questions)
        askers = [request for request in requests for _ in request.questions]
        answers = list(map(_with_signals, askers, questions, replies))
        self._code(askers, questions, answers)
        remaining = iter(answers)
        return [[next(remaining) for _ in request.questions] for request in requests]

    def _code(
        self, askers: Sequence[QuestionBatch], questions: Sequence[EncodedQuestion], answers: list[WireAnswer]
    ) -> None:
        """Add the map's code to the answers whose client asked for it."""
        places = [place for place, request in enumerate(askers) if "code" in request.signals]
        if not places or self._coder is None:
            return
        codes = self._coder.codes(
            [questions[place].vision for place in places],
            [questions[place].question for place in places],
            [answers[place].reply.answer.text for place in places],
        )
        for place, code in zip(places, codes, strict=True):
            answers[place] = replace(answers[place], optional=replace(answers[place].optional, code=code))

    def _encode(self, frames: Sequence[Frame]) -> dict[str, VisionTokens]:
        """The encoded views of each frame by name; new frames are encoded together."""
        encoded = {frame.name: self._encoded[frame.name] for frame in frames if frame.name in self._encoded}
        new = list({frame.name: frame for frame in frames if frame.name not in encoded}.values())
        if new:
            encoded |= dict(zip((frame.name for frame in new), self._expert.encode(new), strict=True))
        for name, vision in encoded.items():
            self._encoded[name] = vision
            self._encoded.move_to_end(name)
        while len(self._encoded) > _KEPT:
            self._encoded.popitem(last=False)
        return encoded


def _with_signals(request: QuestionBatch, question: EncodedQuestion, reply: ExpertReply) -> WireAnswer:
    if reply.signal is None or "focus" not in request.signals:
        return WireAnswer(reply)
    attention = TeacherSignal.from_bytes(reply.signal).attention
    return (
        WireAnswer(reply)
        if attention is None
        else WireAnswer(reply, _focused_tokens(attention, question.vision))
    )


def _focused_tokens(attention: NDArray[np.float16], vision: VisionTokens) -> OptionalSignal:
    """The first view's cells that the question's words attend to most, with their vision tokens."""
    cells = torch.from_numpy(attention.astype(np.float32)).flatten(1)
    places = focus(cells[None, None], focus_size(cells.shape[1]))[0].to(vision.tokens.device)
    tokens = vision.grid[0].flatten(0, 1)[places]
    return OptionalSignal(tokens.cpu().numpy().astype(np.float16), places.cpu().numpy().astype(np.int32))
