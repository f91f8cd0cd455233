"""SVG: a white page with a title, and elements as text."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from core.text import printable

INK, GREY, RULE = "#222", "#777", "#e4e4e4"


def page(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole SVG file; the title is for screen readers."""
    return "\n".join((
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img' "
        "font-family='sans-serif' font-size='12'>",
        f"<title>{escape(printable(title))}</title>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        *parts,
        "</svg>",
        "",
    ))


def text(x: float, y: float, words: str, colour: str = INK, anchor: str = "start", halo: bool = False) -> str:
    """Words at a place; `anchor` says which part of them is there; a halo sets them off from lines."""
    where = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    around = " stroke='white' stroke-width='4' paint-order='stroke'" if halo else ""
    return f"<text {where} fill='{colour}'{around}>{escape(printable(words))}</text>"


def line(begin: tuple[float, float], end: tuple[float, float], colour: str = RULE, dash: str = "") -> str:
    """A straight line; `dash` as in "4 4", lengths of strokes and gaps."""
    (x1, y1), (x2, y2) = begin, end
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' {_stroke(colour, 1, dash)}/>"


def polyline(points: Iterable[tuple[float, float]], colour: str, width: float = 1.5, dash: str = "") -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{places}' fill='none' {_stroke(colour, width, dash)}/>"


def dot(x: float, y: float, radius: float, colour: str, edge: str = "") -> str:
    """A disc, outlined in the colour `edge` if given."""
    around = f" {_stroke(edge, 2, '')}" if edge else ""
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='{radius}' fill='{colour}'{around}/>"


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width}' height='{height}' fill='{colour}'/>"


def _stroke(colour: str, width: float, dash: str) -> str:
    dashes = f" stroke-dasharray='{dash}'" if dash else ""
    return f"stroke='{colour}' stroke-width='{width}'{dashes}"
