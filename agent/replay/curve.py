"""A session's take-over curve as SVG.

Two lines of the share right up to each question: the student as it was, and untouched. Below them a dot
for each question: who answered it, filled when right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.recording.summary import Summary, TurnSummary
from agent.replay.svg import GREY, box, dot, line, page, polyline, text

WIDTH, HEIGHT = 720, 300
COLOURS = {"expert": "#d18b1f", "student": "#1583a8", "memory": "#9c3a9c"}
STUDENT, UNTOUCHED = "student", "student untouched"
"""Names of the lines."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 34, 214
_DOTS, _NUMBERS, _LEGEND = 240, 262, 288


@dataclass(frozen=True)
class Series:
    """A line of the plot: turns, and the share right in [0, 1] up to each."""

    name: str
    points: tuple[tuple[int, float], ...]


def series(summary: Summary) -> tuple[Series, ...]:
    """The lines that have points: the student as it was, the student untouched."""
    lines = (
        _share(STUDENT, [(turn.turn, turn.student) for turn in summary.turns]),
        _share(UNTOUCHED, [(turn.turn, turn.untouched) for turn in summary.turns]),
    )
    return tuple(line for line in lines if line.points)


def _share(name: str, outcomes: Sequence[tuple[int, bool | None]]) -> Series:
    points: list[tuple[int, float]] = []
    hits = 0
    for turn, right in outcomes:
        if right is not None:
            hits += right
            points.append((turn, hits / (len(points) + 1)))
    return Series(name, tuple(points))


def takeover_curve(summary: Summary) -> str:
    """A whole SVG file; a paragraph where no reference answer is known."""
    judged = [turn for turn in summary.turns if turn.right is not None]
    if not judged:
        return "<p>No answer is known to compare with.</p>"
    scale = _Scale(max(turn.turn for turn in judged))
    title = "Share right so far, question by question, and who answered"
    return page(WIDTH, HEIGHT, title, (
        *_axes(scale, summary.warm_up),
        *_lines(scale, series(summary)),
        *(_dot(scale, turn) for turn in judged),
        *_legend(summary),
    ))  # fmt: skip


class _Scale:
    """Maps turns and shares to view box units."""

    def __init__(self, last: int) -> None:
        self.last = last

    def x(self, turn: float) -> float:
        return _LEFT + 10 + (turn - 1) / max(1, self.last - 1) * (WIDTH - _LEFT - _RIGHT - 20)

    def y(self, share: float) -> float:
        return _BOTTOM - share * (_BOTTOM - _TOP)


def _axes(scale: _Scale, warm_up: int) -> Iterator[str]:
    yield text(_LEFT, 16, "share right so far", GREY)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = scale.y(share)
        yield line((_LEFT, y), (WIDTH - _RIGHT, y))
        yield text(_LEFT - 8, y + 4, f"{share:.0%}", GREY, anchor="end")
    step = 1 if scale.last <= 25 else -(-scale.last // 20)
    for turn in range(1, scale.last + 1, step):
        yield text(scale.x(turn), _NUMBERS, str(turn), GREY, anchor="middle")
    if 0 < warm_up < scale.last:
        x = scale.x(warm_up + 0.5)
        yield line((x, _TOP - 8), (x, _DOTS + 8), GREY, dash="4 4")
        yield text(x + 6, _TOP - 2, "take-over", GREY)


def _lines(scale: _Scale, lines: Sequence[Series]) -> Iterator[str]:
    # Reversed, so that the student is drawn on top.
    for series in reversed(lines):
        path = [(scale.x(turn), scale.y(share)) for turn, share in series.points]
        yield (
            polyline(path, COLOURS["student"], 2.5)
            if series.name == STUDENT
            else polyline(path, GREY, 1, "2 4")
        )
    yield from _names(scale, lines)


def _names(scale: _Scale, lines: Sequence[Series]) -> Iterator[str]:
    """Labels at the ends of the lines, the higher one's above it and the lower one's below."""
    ends = sorted((series.points[-1][1], -number) for number, series in enumerate(lines))
    for rank, (share, number) in enumerate(reversed(ends)):
        series = lines[-number]
        y = min(scale.y(share) + (-9 if rank == 0 else 18), _BOTTOM - 4)
        colour = COLOURS["student"] if series.name == STUDENT else GREY
        label = f"{series.name}: {share:.0%}"
        yield text(scale.x(series.points[-1][0]), y, label, colour, anchor="end", halo=True)


def _dot(scale: _Scale, turn: TurnSummary) -> str:
    colour = COLOURS[turn.by]
    return dot(scale.x(turn.turn), _DOTS, 5.5, colour if turn.right else "white", edge=colour)


def _legend(summary: Summary) -> Iterator[str]:
    x = _LEFT
    answering = {turn.by for turn in summary.turns}
    for by, colour in COLOURS.items():
        if by in answering:
            yield box(x, _LEGEND - 9, 10, 10, colour)
            yield text(x + 15, _LEGEND, f"{by} answered")
            x += 142
    yield text(x, _LEGEND, "filled: right")
