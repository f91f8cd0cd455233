"""A batch of questions about several frames, answered in the same passes of one model."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from core.signal import TeacherSignal
from core.types import ExpertReply, Frame
from expert.asking import QuestionBatch
from expert.codes import Coder
from models.expert import EncodedQuestion, LocalExpert
from models.remote.wire import OptionalSignal, WireAnswer
from models.signal import focus, focus_size
from models.vlm import VisionTokens

_KEPT = 32
"""Frames whose looks are kept: devices ask about the same frame several times."""
_SIGNALS = frozenset({"attention", "logprobs", "focus"})
"""What is read from an answer after it was given."""


class RequestBatcher:
    """Answers requests together. Not safe for several threads: the desk's own thread uses it."""

    def __init__(self, expert: LocalExpert, coder: Coder | None = None) -> None:
        self._expert, self._coder = expert, coder
        self._seen: OrderedDict[str, VisionTokens] = OrderedDict()

    @property
    def name(self) -> str:
        """The model's."""
        return self._expert.name

    def answer(self, requests: Sequence[QuestionBatch]) -> list[list[WireAnswer]]:
        """For each request its answers, one a question, in order."""
        seen = self._looked([request.frame for request in requests])
        askings = [
            EncodedQuestion(
                seen[request.frame.name], question, bool(request.signals & _SIGNALS), request.hear
            )
            for request in requests
            for question in request.questions
        ]
        told = self._expert.answer_batch(askings)
        askers = [request for request in requests for _ in request.questions]
        said = list(map(_said, askers, askings, told))
        self._code(askers, askings, said)
        answers = iter(said)
        return [[next(answers) for _ in request.questions] for request in requests]

    def _code(
        self, askers: Sequence[QuestionBatch], askings: Sequence[EncodedQuestion], said: list[WireAnswer]
    ) -> None:
        """Give those answers their map's code whose client asked for it."""
        wanted = [place for place, request in enumerate(askers) if "code" in request.signals]
        if not wanted or self._coder is None:
            return
        codes = self._coder.codes(
            [askings[place].vision for place in wanted],
            [askings[place].question for place in wanted],
            [said[place].reply.answer.text for place in wanted],
        )
        for place, code in zip(wanted, codes, strict=True):
            said[place] = replace(said[place], optional=replace(said[place].optional, code=code))

    def _looked(self, frames: Sequence[Frame]) -> dict[str, VisionTokens]:
        """The looks at each frame by its name; new frames are encoded together, old ones were kept."""
        found = {frame.name: self._seen[frame.name] for frame in frames if frame.name in self._seen}
        new = list({frame.name: frame for frame in frames if frame.name not in found}.values())
        if new:
            found |= dict(zip((frame.name for frame in new), self._expert.encode(new), strict=True))
        for name, vision in found.items():
            self._seen[name] = vision
            self._seen.move_to_end(name)
        while len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return found


def _said(request: QuestionBatch, asking: EncodedQuestion, told: ExpertReply) -> WireAnswer:
    if told.signal is None or "focus" not in request.signals:
        return WireAnswer(told)
    attention = TeacherSignal.from_bytes(told.signal).attention
    return WireAnswer(told) if attention is None else WireAnswer(told, _focused(attention, asking.vision))


def _focused(attention: NDArray[np.float16], vision: VisionTokens) -> OptionalSignal:
    """The cells of the first look that the question's words look at most, and what the model sees there."""
    cells = torch.from_numpy(attention.astype(np.float32)).flatten(1)
    places = focus(cells[None, None], focus_size(cells.shape[1]))[0].to(vision.tokens.device)
    tokens = vision.grid[0].flatten(0, 1)[places]
    return OptionalSignal(tokens.cpu().numpy().astype(np.float16), places.cpu().numpy().astype(np.int32))
