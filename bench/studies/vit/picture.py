"""Study 2 as a picture: entropy over depth in both networks, and how far they agree on a picture."""

from collections.abc import Iterator, Sequence
from math import floor

from bench.studies.vit.flow import KINDS
from bench.studies.vit.rows import OTHER, SAME, Flows
from core.svg import GREY, INK, dot, line, page, polyline, text

_WIDE, _HIGH, _LEFT, _TOP, _GAP = 220, 170, 60, 76, 46
_BLUE, _ORANGE = "#1583a8", "#d18b1f"

Curve = tuple[str, str, Sequence[float], bool]
"""Name, colour, values over relative depth, whether it is dashed."""


def svg(flows: Flows) -> str:
    """Two rows of panels, a column a kind of map."""
    width = _LEFT + len(KINDS) * (_WIDE + _GAP)
    height = _TOP + 2 * (_HIGH + _GAP) + 20
    return page(
        width,
        height,
        "Attention over depth",
        (
            text(12, 22, "Attention over depth, from the first layer to the last", INK, 15),
            *_legend(flows),
            *_panels(flows),
        ),
    )


def _legend(flows: Flows) -> Iterator[str]:
    left = 12.0
    for name, colour in ((flows.student, _BLUE), (flows.expert, _ORANGE)):
        yield dot(left + 5, 40, 4.5, colour)
        yield text(left + 14, 44, name, INK)
        left += 40 + 7 * len(name)
    yield text(left, 44, "below: full lines same picture, dashed another one", GREY)


def _panels(flows: Flows) -> Iterator[str]:
    for column, kind in enumerate(KINDS):
        left = _LEFT + column * (_WIDE + _GAP)
        entropies = [
            (who, colour, flows.entropies(who, kind).mean(axis=0).tolist(), False)
            for who, colour in ((flows.student, _BLUE), (flows.expert, _ORANGE))
        ]
        yield from _panel(left, _TOP, f"entropy, {kind}", entropies)
        agreeing = [
            (
                against,
                INK,
                flows.agreement(kind, against)["spearman"].mean(axis=0).tolist(),
                against == OTHER,
            )
            for against in (SAME, OTHER)
        ]
        yield from _panel(left, _TOP + _HIGH + _GAP, f"Spearman, {kind}", agreeing)


def _panel(left: float, top: float, title: str, curves: Sequence[Curve]) -> Iterator[str]:
    """Curves up to 1, from the tenth below the lowest value."""
    lowest = min(value for _, _, values, _ in curves for value in values)
    low = min(0.9, floor(10 * lowest) / 10)
    yield text(left, top - 6, title, INK)
    for tick in (low, (1 + low) / 2, 1.0):
        y = top + (1 - (tick - low) / (1 - low)) * _HIGH
        yield line((left, y), (left + _WIDE, y))
        yield text(left - 6, y + 4, f"{tick:.2f}", GREY, 11, "end")
    for _, colour, values, dashed in curves:
        places = [
            (left + place / max(1, len(values) - 1) * _WIDE, top + (1 - (value - low) / (1 - low)) * _HIGH)
            for place, value in enumerate(values)
        ]
        yield polyline(places, colour, 2, "5 4" if dashed else "")
        yield from (dot(x, y, 3, colour) for x, y in places)
