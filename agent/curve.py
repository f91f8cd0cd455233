"""The take-over curve of a session as SVG: how much has been right so far, and who answered."""

from itertools import accumulate

from agent.summary import Summary

_WIDTH, _HEIGHT, _EDGE = 640, 220, 36
_COLOURS = {"expert": "#d18b1f", "student": "#1583a8", "memory": "#9c3a9c"}


def takeover_curve(summary: Summary) -> str:
    """A dot a question, coloured by who answered: filled when right; the line is the share right so far."""
    known = [turn for turn in summary.turns if turn.right is not None]
    if not known:
        return "<p>No answer is known to compare with.</p>"
    shares = [hits / n for n, hits in enumerate(accumulate(int(bool(turn.right)) for turn in known), start=1)]
    last = max(turn.turn for turn in known)

    def x(turn: float) -> float:
        return _EDGE + (turn - 1) / max(1, last - 1) * (_WIDTH - 2 * _EDGE)

    def y(share: float) -> float:
        return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)

    line = " ".join(f"{x(t.turn):.1f},{y(s):.1f}" for t, s in zip(known, shares, strict=True))
    dots = "".join(
        f"<circle cx='{x(turn.turn):.1f}' cy='{y(float(bool(turn.right))):.1f}' r='5' stroke-width='2' "
        f"stroke='{_COLOURS[turn.by]}' fill='{_COLOURS[turn.by] if turn.right else 'white'}'/>"
        for turn in known
    )
    legend = "".join(
        f"<text x='{_EDGE + 80 * place}' y='{_HEIGHT - 6}' fill='{colour}'>{by}</text>"
        for place, (by, colour) in enumerate(_COLOURS.items())
    )
    border = x(summary.warm_up + 0.5)
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' width='{_WIDTH}' role='img' "
        "font-family='sans-serif' font-size='12'>"
        f"<title>Share right so far, question by question</title>"
        f"<line x1='{border:.1f}' x2='{border:.1f}' y1='{y(1):.1f}' y2='{y(0):.1f}' stroke='#bbb' "
        "stroke-dasharray='4 4'/>"
        f"<text x='{border + 4:.1f}' y='{y(1) - 10:.1f}' fill='#666'>take-over</text>"
        f"<text x='2' y='{y(1) + 4:.1f}'>1.0</text><text x='2' y='{y(0) + 4:.1f}'>0.0</text>"
        f"<polyline points='{line}' fill='none' stroke='#444' stroke-width='1.5'/>{dots}{legend}</svg>"
    )
