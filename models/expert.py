"""An expert in this process: a model that answers and ships teacher signals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from core.types import Answer, Cost, ExpertReply, Frame
from models.signal import teacher_signals
from models.vlm import VisionLanguageModel, VisionTokens, stack

_CROP_SIDE = 0.93
"""The share of either side that a crop keeps: things in the middle stay in the middle."""
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
MOST_CROPS = 1 + len(_CORNERS)


def crops(picture: Image, count: int) -> list[Image]:
    """The picture itself, then up to four crops of it. `count` is 1 to `MOST_CROPS`."""
    if not 1 <= count <= MOST_CROPS:
        raise ValueError(f"{count} looks; from 1 to {MOST_CROPS} are possible")
    width, height = (max(1, int(side * _CROP_SIDE)) for side in picture.size)
    margin = picture.width - width, picture.height - height
    corners = [(x * margin[0], y * margin[1]) for x, y in _CORNERS[: count - 1]]
    return [picture, *(picture.crop((x, y, x + width, y + height)) for x, y in corners)]


ROWS_PER_PASS = 40
"""Rows in a pass: questions times crops."""
CROPS_PER_PASS = 20
"""Pictures in a pass of the tower, few enough for a processor's cache."""
OnPiece = Callable[[str], None]
"""Called with each piece of an answer."""


@dataclass(frozen=True)
class EncodedQuestion:
    """A question about encoded crops of a frame; `signal`: make a teacher signal."""

    vision: VisionTokens
    question: str
    signal: bool = True
    on_piece: OnPiece | None = None


class LocalExpert:
    """A model in this process, loaded with attention="eager" for teacher signals.

    It answers for `crop_count` crops of every picture and takes the answer with most confidence: on
    rendered rooms three points better than one.
    """

    def __init__(self, vlm: VisionLanguageModel, max_new_tokens: int, crop_count: int = 1) -> None:
        self.vlm, self.name = vlm, vlm.name
        self._max_new_tokens, self._crops = max_new_tokens, crop_count
        self._encoded: tuple[Frame, VisionTokens] | None = None

    teaches = True
    cost = Cost()

    def ask(self, frame: Frame, question: str, turn: int) -> ExpertReply:
        """See the protocol; each crop is encoded once for answer and signal."""
        return self.ask_more(frame, [question])[0]

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[ExpertReply]:
        """See the protocol; all questions share the encoded crops."""
        vision = self._encode_cached(frame)
        return self.answer_batch([EncodedQuestion(vision, text) for text in questions])

    def encode(self, frames: Sequence[Frame]) -> list[VisionTokens]:
        """The crops of each frame, encoded in passes of `CROPS_PER_PASS`."""
        each = max(1, CROPS_PER_PASS // self._crops)
        passes = (frames[start : start + each] for start in range(0, len(frames), each))
        return [vision for part in passes for vision in self._encode_pass(part)]

    def _encode_pass(self, frames: Sequence[Frame]) -> list[VisionTokens]:
        pictures = [crop for frame in frames for crop in crops(frame.picture, self._crops)]
        encoded = self.vlm.encode_images(pictures)
        starts = range(0, len(pictures), self._crops)
        return [encoded.select(range(start, start + self._crops)) for start in starts]

    def answer_batch(self, batch: Sequence[EncodedQuestion]) -> list[ExpertReply]:
        """Answer questions about any frames, in passes of `ROWS_PER_PASS`.

        Answers come in pieces where there is one crop, and as one piece where several vote.
        """
        each = max(1, ROWS_PER_PASS // self._crops)
        passes = (batch[start : start + each] for start in range(0, len(batch), each))
        return [reply for part in passes for reply in self._answer_pass(part)]

    def _answer_pass(self, batch: Sequence[EncodedQuestion]) -> list[ExpertReply]:
        vision = stack([item.vision for item in batch])
        questions = [item.question for item in batch for _ in range(self._crops)]
        if self._crops == 1 and any(item.on_piece for item in batch):
            answers = self._stream_answers(batch, vision)
        else:
            candidates = self.vlm.answer_many(vision, questions, self._max_new_tokens)
            starts = range(0, len(candidates), self._crops)
            answers = [vote(candidates[start : start + self._crops]) for start in starts]
            _send_pieces(batch, [answer.text for answer in answers])
        signals = self._signals(batch, answers)
        return [ExpertReply(answer, signals.get(place)) for place, answer in enumerate(answers)]

    def _stream_answers(self, batch: Sequence[EncodedQuestion], vision: VisionTokens) -> list[Answer]:
        pieces = self.vlm.stream_many(vision, [item.question for item in batch], self._max_new_tokens)
        while True:
            try:
                _send_pieces(batch, next(pieces))
            except StopIteration as end:
                answers: list[Answer] = end.value
                return answers

    def _signals(self, batch: Sequence[EncodedQuestion], answers: Sequence[Answer]) -> dict[int, bytes]:
        places = [place for place, item in enumerate(batch) if item.signal]
        if not places:
            return {}
        vision = stack([batch[place].vision for place in places])
        questions = [batch[place].question for place in places]
        signals = teacher_signals(self.vlm, vision, questions, [answers[place].text for place in places])
        return {place: signal.to_bytes() for place, signal in zip(places, signals, strict=True)}

    def _encode_cached(self, frame: Frame) -> VisionTokens:
        """The encoded crops of a frame; those of the last one are cached."""
        if self._encoded is None or self._encoded[0] is not frame:
            self._encoded = frame, self.encode([frame])[0]
        return self._encoded[1]


def _send_pieces(batch: Sequence[EncodedQuestion], pieces: Sequence[str]) -> None:
    for item, piece in zip(batch, pieces, strict=True):
        if item.on_piece is not None and piece:
            item.on_piece(piece)


def vote(answers: Sequence[Answer]) -> Answer:
    """The first answer with the words that have most confidence in total.

    Its confidence is the mean over all answers; those that disagree count as 0.
    """
    votes: dict[str, float] = {}
    for answer in answers:
        votes[answer.text] = votes.get(answer.text, 0.0) + answer.confidence
    best = max(votes, key=lambda text: votes[text])
    chosen = next(answer for answer in answers if answer.text == best)
    return replace(chosen, confidence=votes[best] / len(answers))
