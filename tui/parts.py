"""Parts of screens, drawn from the state only when it changes them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

from textual.app import ComposeResult
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from core.errors import ImageError
from tui.picture import drawn, read_jpeg
from tui.state import State
from tui.words import plain


@dataclass(frozen=True)
class Now:
    """The moment something is drawn: seconds since 1970, and since the newest pulse came."""

    at: float = 0.0
    since_pulse: float = 0.0


def set_caption(widget: Widget, title: str, subtitle: str = "") -> None:
    """Write on a widget's border if that is new. No foreign texts, as this is markup."""
    if widget.border_title != title:
        widget.border_title = title
    if (widget.border_subtitle or "") != subtitle:
        widget.border_subtitle = subtitle


class Part(Static):
    """A part that is text."""

    def __init__(self, **where: Any) -> None:
        super().__init__("", markup=False, **where)
        self._shown = Content("")

    def put(self, content: Content) -> None:
        """Show a text, painting only if it is new."""
        if not content.is_same(self._shown):
            self._shown = content
            self.update(content)

    def draw(self, state: State, now: Now) -> None:
        """Show this part's share of the state."""
        raise NotImplementedError


class SharpView(Protocol):
    """A widget of textual-image."""

    image: Any
    display: bool


class PictureView(Widget):
    """A picture as large as fits, centred; words where there is none."""

    def __init__(self, **where: Any) -> None:
        super().__init__(**where)
        self._sharp: SharpView | None = None
        self._jpeg = b""
        self._words = ""
        self._strips: list[Strip] = []
        self._drawn_for: tuple[Any, ...] = ()

    def compose(self) -> ComposeResult:
        sharp = getattr(self.app, "sharp", None)
        if sharp is not None:
            self._sharp = sharp()
            yield cast(Widget, self._sharp)

    def show(self, jpeg: bytes, words: str = "") -> None:
        """Show a JPEG's picture, or words when it is empty."""
        if (jpeg, words) != (self._jpeg, self._words):
            self._jpeg, self._words = jpeg, words
            if self._sharp is not None:
                self._show_sharp(self._sharp)
            self.refresh()

    def _show_sharp(self, view: "SharpView") -> None:
        """No picture leaves the ground to the words."""
        view.image, view.display = None, False
        with suppress(ImageError):
            if self._jpeg:
                view.image, view.display = read_jpeg(self._jpeg), True

    def render_line(self, y: int) -> Strip:
        """A row of the picture with ground to both sides."""
        ground = self.rich_style
        width, height = self.content_size
        strips = self._lines(width, height)
        row = y - (height - len(strips)) // 2
        if not 0 <= row < len(strips):
            return Strip.blank(width, ground)
        strip = strips[row]
        left = (width - strip.cell_length) // 2
        right = width - strip.cell_length - left
        return Strip.join([Strip.blank(left, ground), strip.apply_style(ground), Strip.blank(right, ground)])

    def _lines(self, width: int, height: int) -> list[Strip]:
        drawn_for = (self._jpeg, self._words, width, height, self.app.theme)
        if drawn_for != self._drawn_for:
            self._drawn_for = drawn_for
            self._strips = self._draw(width, height)
        return self._strips

    def _draw(self, width: int, height: int) -> list[Strip]:
        words = self._words
        if self._jpeg and width > 0 and height > 0:
            try:
                return drawn(read_jpeg(self._jpeg), width, height, self.colours)
            except ImageError as error:
                words = str(error)
        lines = Content(plain(words)).wrap(max(1, width - 2)) if words else []
        return [Strip(line.render_segments(self.visual_style), line.cell_length) for line in lines[:height]]

    @property
    def colours(self) -> str | None:
        """What colours the terminal shows, by Rich's names."""
        return self.app.console.color_system
