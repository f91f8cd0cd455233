"""The take-over curve of a session as SVG: how often the student would have been right, and who answered.

Two lines, both shares of right answers up to each question: the student as it was at that moment, and the
student had it never learnt. Below them a dot a question: who answered it, filled when right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.recording.summary import Summary, TurnSummary

WIDTH, HEIGHT = 720, 300
COLOURS = {"expert": "#d18b1f", "student": "#1583a8", "memory": "#9c3a9c"}
STUDENT, UNTOUCHED = "student", "student untouched"
"""Names of the lines: as it was at each question, and had it never learnt."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 34, 214
_DOTS, _NUMBERS, _LEGEND = 240, 262, 288
_GREY = "#777"


@dataclass(frozen=True)
class Series:
    """A line of the plot: turns, and the share right in [0, 1] up to and with each of them."""

    name: str
    points: tuple[tuple[int, float], ...]


def series(summary: Summary) -> tuple[Series, ...]:
    """The lines, empty ones left out: the student as it was, the student untouched."""
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
    """A whole SVG file; a paragraph instead where no answer is known to compare with."""
    known = [turn for turn in summary.turns if turn.right is not None]
    if not known:
        return "<p>No answer is known to compare with.</p>"
    place = _Place(max(turn.turn for turn in known))
    return "\n".join((
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' "
        "role='img' font-family='sans-serif' font-size='12'>",
        "<title>Share right so far, question by question, and who answered</title>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        *_axes(place, summary.warm_up),
        *_lines(place, series(summary)),
        *(_dot(place, turn) for turn in known),
        *_legend(summary),
        "</svg>",
    ))


class _Place:
    """Where a turn and a share are, in units of the view box."""

    def __init__(self, last: int) -> None:
        self.last = last

    def x(self, turn: float) -> float:
        return _LEFT + 10 + (turn - 1) / max(1, self.last - 1) * (WIDTH - _LEFT - _RIGHT - 20)

    def y(self, share: float) -> float:
        return _BOTTOM - share * (_BOTTOM - _TOP)


def _axes(place: _Place, warm_up: int) -> Iterator[str]:
    yield f"<text x='{_LEFT}' y='16' fill='{_GREY}'>share right so far</text>"
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = place.y(share)
        yield f"<line x1='{_LEFT}' x2='{WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}' stroke='#e4e4e4'/>"
        yield f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end' fill='{_GREY}'>{share:.0%}</text>"
    step = 1 if place.last <= 25 else -(-place.last // 20)
    for turn in range(1, place.last + 1, step):
        yield (
            f"<text x='{place.x(turn):.1f}' y='{_NUMBERS}' text-anchor='middle' fill='{_GREY}'>{turn}</text>"
        )
    if 0 < warm_up < place.last:
        x = place.x(warm_up + 0.5)
        yield (
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{_TOP - 8}' y2='{_DOTS + 8}' stroke='{_GREY}' "
            "stroke-dasharray='4 4'/>"
        )
        yield f"<text x='{x + 6:.1f}' y='{_TOP - 2}' fill='{_GREY}'>take-over</text>"


def _lines(place: _Place, lines: Sequence[Series]) -> Iterator[str]:
    styles = {STUDENT: f"stroke='{COLOURS['student']}' stroke-width='2.5'"}
    # Reversed, so that the student is drawn over what it would have been.
    for line in reversed(lines):
        style = styles.get(line.name, f"stroke='{_GREY}' stroke-dasharray='2 4'")
        path = " ".join(f"{place.x(turn):.1f},{place.y(share):.1f}" for turn, share in line.points)
        yield f"<polyline points='{path}' fill='none' {style}/>"
    yield from _names(place, lines)


def _names(place: _Place, lines: Sequence[Series]) -> Iterator[str]:
    """At the end of each line, the higher one's above it and the lower one's below."""
    ends = sorted((line.points[-1][1], -number) for number, line in enumerate(lines))
    for rank, (share, number) in enumerate(reversed(ends)):
        line = lines[-number]
        y = place.y(share) + (-9 if rank == 0 else 18)
        colour = COLOURS["student"] if line.name == STUDENT else _GREY
        where = f"x='{place.x(line.points[-1][0]):.1f}' y='{min(y, _BOTTOM - 4):.1f}' text-anchor='end'"
        for paint in ("stroke='white' stroke-width='4'", f"fill='{colour}'"):  # a halo, then the words
            yield f"<text {where} {paint}>{line.name}: {share:.0%}</text>"


def _dot(place: _Place, turn: TurnSummary) -> str:
    colour = COLOURS[turn.by]
    return (
        f"<circle cx='{place.x(turn.turn):.1f}' cy='{_DOTS}' r='5.5' stroke='{colour}' stroke-width='2' "
        f"fill='{colour if turn.right else 'white'}'/>"
    )


def _legend(summary: Summary) -> Iterator[str]:
    x = _LEFT
    answering = {turn.by for turn in summary.turns}
    for by, colour in COLOURS.items():
        if by in answering:
            yield f"<rect x='{x}' y='{_LEGEND - 9}' width='10' height='10' fill='{colour}'/>"
            yield f"<text x='{x + 15}' y='{_LEGEND}' fill='#333'>{by} answered</text>"
            x += 142
    yield f"<text x='{x}' y='{_LEGEND}' fill='#333'>filled: right</text>"
