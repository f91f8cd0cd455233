"""An expert in this process: a model that answers, and shows how it came to its answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from core.types import Answer, Cost, Frame, Told
from models.signal import teacher_signals
from models.vlm import VisionLanguageModel, VisionTokens, stacked

_NEARER = 0.93
"""Of either side; so little that what is left of the middle stays there."""
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
MOST = 1 + len(_CORNERS)


def looks(picture: Image, count: int) -> list[Image]:
    """The picture itself, then up to four crops of it. `count` is 1 to `MOST`."""
    if not 1 <= count <= MOST:
        raise ValueError(f"{count} looks; from 1 to {MOST} are possible")
    width, height = (max(1, int(side * _NEARER)) for side in picture.size)
    rest = picture.width - width, picture.height - height
    places = [(x * rest[0], y * rest[1]) for x, y in _CORNERS[: count - 1]]
    return [picture, *(picture.crop((x, y, x + width, y + height)) for x, y in places)]


ROWS = 40
"""Rows in a pass: questions, each as often as there are looks."""
LOOKS = 20
"""Pictures in a pass of the tower: what they become on the way still fits a processor's cache."""


Hear = Callable[[str], None]
"""Is told an answer piece by piece."""


@dataclass(frozen=True)
class EncodedQuestion:
    """A question about a frame that was looked at, `vision` holding the looks; whether a signal is wanted,
    and who hears the answer while it is made.
    """

    vision: VisionTokens
    question: str
    signal: bool = True
    hear: Hear | None = None


class LocalExpert:
    """A model in this process, loaded with attention="eager" so that it can show where it looked.

    It takes `count` looks at every picture and gives the answer that most of them, each counting as sure
    as it is, speak for: on rendered rooms three points better than one look.
    """

    def __init__(self, vlm: VisionLanguageModel, max_new_tokens: int, count: int = 1) -> None:
        self._vlm = vlm
        self._max_new_tokens = max_new_tokens
        self._count = count
        self._seen: tuple[Frame, VisionTokens] | None = None

    teaches = True
    cost = Cost()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._vlm.name

    @property
    def vlm(self) -> VisionLanguageModel:
        """The model, for who wants to look inside."""
        return self._vlm

    def ask(self, frame: Frame, question: str, turn: int) -> Told:
        """See the protocol; each look is encoded once for answer and signal."""
        return self.ask_more(frame, [question])[0]

    def ask_more(self, frame: Frame, questions: Sequence[str]) -> list[Told]:
        """See the protocol; all questions share the looks, and the passes of a few."""
        vision = self._looked(frame)
        return self.together([EncodedQuestion(vision, text) for text in questions])

    def look(self, frames: Sequence[Frame]) -> list[VisionTokens]:
        """All looks at each frame, encoded in passes of `LOOKS`."""
        each = max(1, LOOKS // self._count)
        portions = (frames[start : start + each] for start in range(0, len(frames), each))
        return [seen for portion in portions for seen in self._look(portion)]

    def _look(self, frames: Sequence[Frame]) -> list[VisionTokens]:
        pictures = [look for frame in frames for look in looks(frame.picture, self._count)]
        seen = self._vlm.encode_images(pictures)
        starts = range(0, len(pictures), self._count)
        return [seen.select(range(start, start + self._count)) for start in starts]

    def together(self, askings: Sequence[EncodedQuestion]) -> list[Told]:
        """The answers to questions about whichever frames, in passes of `ROWS`.

        Who wants to hear an answer while it is made does so where there is but one look: of several only the
        vote decides, and its words come in one piece.
        """
        each = max(1, ROWS // self._count)
        portions = (askings[start : start + each] for start in range(0, len(askings), each))
        return [told for portion in portions for told in self._pass(portion)]

    def _pass(self, askings: Sequence[EncodedQuestion]) -> list[Told]:
        shown = stacked([asking.vision for asking in askings])
        asked = [asking.question for asking in askings for _ in range(self._count)]
        if self._count == 1 and any(asking.hear for asking in askings):
            answers = self._spoken(askings, shown)
        else:
            said = self._vlm.answer_many(shown, asked, self._max_new_tokens)
            starts = range(0, len(said), self._count)
            answers = [voted(said[start : start + self._count]) for start in starts]
            _tell(askings, [answer.text for answer in answers])
        signals = self._signals(askings, answers)
        return [Told(answer, signals.get(place)) for place, answer in enumerate(answers)]

    def _spoken(self, askings: Sequence[EncodedQuestion], shown: VisionTokens) -> list[Answer]:
        made = self._vlm.stream_many(shown, [asking.question for asking in askings], self._max_new_tokens)
        while True:
            try:
                _tell(askings, next(made))
            except StopIteration as end:
                answers: list[Answer] = end.value
                return answers

    def _signals(self, askings: Sequence[EncodedQuestion], answers: Sequence[Answer]) -> dict[int, bytes]:
        wanted = [place for place, asking in enumerate(askings) if asking.signal]
        if not wanted:
            return {}
        shown = stacked([askings[place].vision for place in wanted])
        questions = [askings[place].question for place in wanted]
        found = teacher_signals(self._vlm, shown, questions, [answers[place].text for place in wanted])
        return {place: signal.to_bytes() for place, signal in zip(wanted, found, strict=True)}

    def _looked(self, frame: Frame) -> VisionTokens:
        """All looks at a frame; of the one that was asked about last they are kept."""
        if self._seen is None or self._seen[0] is not frame:
            self._seen = frame, self.look([frame])[0]
        return self._seen[1]


def _tell(askings: Sequence[EncodedQuestion], pieces: Sequence[str]) -> None:
    for asking, piece in zip(askings, pieces, strict=True):
        if asking.hear is not None and piece:
            asking.hear(piece)


def voted(answers: Sequence[Answer]) -> Answer:
    """The answer whose words have the most confidence behind them, as the first that gave it did.

    Its confidence is the mean over all looks, those that disagree counting nothing.
    """
    votes: dict[str, float] = {}
    for answer in answers:
        votes[answer.text] = votes.get(answer.text, 0.0) + answer.confidence
    best = max(votes, key=lambda text: votes[text])
    chosen = next(answer for answer in answers if answer.text == best)
    return replace(chosen, confidence=votes[best] / len(answers))
