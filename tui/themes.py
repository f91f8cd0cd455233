"""Light and dark: calm grounds, and one colour for each source of answers, as in the curve of a report."""

from typing import Any

from textual.theme import Theme


def _theme(name: str, dark: bool, accent: str, cursor: tuple[str, str], **colours: Any) -> Theme:
    """A theme of calm grounds; `cursor` is the block cursor's background and text."""
    ground, line = colours["background"], colours["line"]
    own = ("expert", "student", "memory", "muted", "line", "scrollbar-hover")
    variables = {key: colours.pop(key.replace("-", "_")) for key in own} | {
        "scrollbar": line, "scrollbar-active": accent, "scrollbar-background": ground,
        "scrollbar-background-hover": ground, "scrollbar-background-active": ground,
        "scrollbar-corner-color": ground, "footer-key-foreground": accent,
        "footer-background": colours["surface"], "input-cursor-background": colours["foreground"],
        "input-cursor-foreground": ground, "block-cursor-background": cursor[0],
        "block-cursor-foreground": cursor[1], "block-cursor-text-style": "none", "border": accent,
    }  # fmt: skip
    return Theme(name=name, dark=dark, primary=accent, accent=accent, variables=variables, **colours)


DARK = _theme(
    "roomwise-dark", True, "#6fb7d2", ("#2d4653", "#f2f5f8"), secondary="#8b9bb0", warning="#e0a458",
    error="#e27d72", success="#8fbf7f", foreground="#d7dce2", background="#11151a", surface="#171c22",
    panel="#222932", expert="#e6ae5c", student="#62bfdd", memory="#cf8fd6", muted="#8d98a5", line="#39434f",
    scrollbar_hover="#55616f",
)  # fmt: skip
LIGHT = _theme(
    "roomwise-light", False, "#10708f", ("#cfe3ea", "#12171c"), secondary="#5b6673", warning="#96600a",
    error="#b3362b", success="#3c7a2e", foreground="#23292f", background="#fbfaf7", surface="#f3f1ec",
    panel="#e6e3dc", expert="#96600a", student="#10708f", memory="#8a3290", muted="#6c7178", line="#c6c1b6",
    scrollbar_hover="#aaa497",
)  # fmt: skip
THEMES = {"dark": DARK, "light": LIGHT}
