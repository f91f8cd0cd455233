"""What all pictures begin with: a white page with its title, and words on it."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

INK, GREY = "#222", "#777"


def page(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole SVG file. The title is for those who hear it; `parts` draw what is seen."""
    return "\n".join((
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img' "
        "font-family='sans-serif' font-size='12'>",
        f"<title>{escape(title)}</title>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        *parts,
        "</svg>",
        "",
    ))


def text(x: float, y: float, words: str, colour: str = INK, size: int = 12, anchor: str = "start") -> str:
    """Words at a place; `anchor` says which part of them is there."""
    where = f"x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'"
    return f"<text {where} fill='{colour}' font-size='{size}'>{escape(words)}</text>"
