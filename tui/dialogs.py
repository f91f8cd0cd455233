"""Small screens over the others: the right answer, a yes or no, a picture."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.errors import AnswerError
from core.text import check_answer
from tui.line import TextLine
from tui.parts import PictureView
from tui.state import ShownTurn
from tui.words import plain


class Correcting(ModalScreen[tuple[int, str] | None]):
    """Which answer was wrong, and the right one. Ends with both, or with None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave it"),
        Binding("up", "other(-1)", "Earlier answer", priority=True),
        Binding("down", "other(1)", "Later answer", priority=True),
    ]

    def __init__(self, turns: Sequence[ShownTurn], number: int | None = None, answer: str = "") -> None:
        super().__init__()
        self._turns, self._answer = turns, answer
        places = [place for place, turn in enumerate(turns) if turn.number == number]
        self._place = places[0] if places else len(turns) - 1

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "wrong answer"
            dialog.border_subtitle = "⏎ keep   ↑↓ another answer   esc leave it"
            yield Static(self._describe_turn(), markup=False)
            yield TextLine(self._answer, placeholder="The right answer")

    def _describe_turn(self) -> Content:
        turn = self._turns[self._place]
        return Content.assemble(
            (f"{turn.number:>2} ", "$muted"), (plain(turn.question, 300), "bold"),
            "\n   ", (f"{turn.by} said: ", "$muted"), plain(turn.answer, 300) or "(no words)",
        )  # fmt: skip

    def action_other(self, step: int) -> None:
        self._place = min(len(self._turns) - 1, max(0, self._place + step))
        self.query_one(Static).update(self._describe_turn())

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        answer = _checked(self, event.value)
        if answer:
            self.dismiss((self._turns[self._place].number, answer))


class AnswerDialog(ModalScreen[str | None]):
    """Another answer to a remembered question. Ends with it, or with None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave it")]

    def __init__(self, question: str, answer: str) -> None:
        super().__init__()
        self._question, self._answer = question, answer

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "correct"
            dialog.border_subtitle = "⏎ keep   esc leave it"
            yield Static(Content.styled(plain(self._question, 300), "bold"), markup=False)
            yield TextLine(plain(self._answer), placeholder="The right answer")

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        answer = _checked(self, event.value)
        if answer:
            self.dismiss(answer)


def _checked(dialog: ModalScreen[Any], typed: str) -> str:
    """The answer as memory takes it; "" when it does not, which is said."""
    try:
        return check_answer(typed)
    except AnswerError as error:
        if typed.strip():
            dialog.notify(str(error), severity="warning", markup=False)
        return ""


class Sure(ModalScreen[bool]):
    """Something that cannot be taken back. Ends with whether it is to be done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape", "dismiss(False)", "No"),
    ]

    def __init__(self, title: str, words: str) -> None:
        super().__init__()
        self._title, self._words = title, words

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "y yes   n no"
            yield Static(Content(plain(self._words, 1000)), markup=False)


class Choosing(ModalScreen[str | None]):
    """One of a few. Ends with its name, or with None."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave it")]

    def __init__(self, title: str, options: Mapping[str, str]) -> None:
        super().__init__()
        self._title, self._options = title, options

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "⏎ take it   esc leave it"
            yield OptionList(
                *(
                    Option(Content.assemble((f"{name:<9}", "bold"), (words, "$muted")), id=name)
                    for name, words in self._options.items()
                )
            )

    @on(OptionList.OptionSelected)
    def _done(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class Looking(ModalScreen[None]):
    """A picture as large as the window."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+l,enter,q", "dismiss(None)", "Close")]

    def __init__(self, jpeg: bytes, words: str) -> None:
        super().__init__()
        self._jpeg, self._words = jpeg, words

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -large") as dialog:
            dialog.border_title = "where it looked"
            dialog.border_subtitle = "left the student, right an expert that runs here   esc close"
            yield PictureView()
            yield Static(Content.styled(plain(self._words, 300), "bold"), markup=False)

    def on_mount(self, event: Any) -> None:
        self.query_one(PictureView).show(self._jpeg)
