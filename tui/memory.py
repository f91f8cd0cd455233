"""What is remembered: search it, see its frame, put it right, have it forgotten."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from agent.console import Find, Picture, Remembrance, Revise
from tui.dialogs import AnswerDialog, Sure
from tui.line import TextLine
from tui.parts import Now, PictureView, set_caption
from tui.screens import DashScreen
from tui.state import State
from tui.table import Cell, Column, Row, Table
from tui.words import cut, moment, plain, share

_COLUMNS = (
    Column("question"),
    Column("answer", 16),
    Column("like", 6, from_width=62),
    Column("from", 7, from_width=62),
    Column("when", 16, from_width=92),
)
_REST = 0.25
"""Seconds without typing or moving before something is fetched."""


class MemoryTable(Table):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,enter", "screen.correct", "Correct", tooltip="Give the chosen pair another answer"),
        Binding("d,delete", "screen.forget", "Forget", tooltip="Have the chosen pair forgotten"),
        Binding("slash", "screen.search", "Search", tooltip="Go to the line for searching"),
    ]


class MemoryScreen(DashScreen):
    """Pairs on the left, the chosen one's frame on the right."""

    NAME = "memory"
    AUTO_FOCUS = "MemoryTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "fetch", "Reload", show=False, tooltip="Look again what is remembered"),
        Binding("escape", "leave_search", "Pairs", show=False, tooltip="From the search to the pairs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._pairs: dict[str, Remembrance] = {}
        self._asked_for = ""
        self._frame = ""
        self._known = -1
        self._rest: Timer | None = None
        self._unsent: dict[str, str] = {}
        """Answers that did not arrive, by their pairs."""

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="search"):
            yield Static("/")
            yield TextLine(placeholder="Search what is remembered", compact=True)
        with Horizontal(classes="split"):
            with Vertical(classes="panel", id="pairs"):
                yield MemoryTable(_COLUMNS)
                yield Static("Nothing is remembered yet.", classes="empty", markup=False)
            with Vertical(classes="panel beside", id="pair"):
                yield PictureView()
                yield Static("", classes="facts", markup=False)

    def draw_body(self, state: State, now: Now) -> None:
        count = sum(bool(turn.pair) + bool(turn.corrected) for turn in state.turns.values())
        if count != self._known:
            self._known = count
            self.action_fetch()

    def action_fetch(self) -> None:
        words = plain(self.query_one(Input).value, 300)
        self._asked_for = words
        self.desk.want(Find(words), lambda found: self._fill(words, found))

    def _fill(self, words: str, pairs: Sequence[Remembrance]) -> None:
        if not self.is_attached or words != self._asked_for:
            return
        self._pairs = {pair.pair: pair for pair in pairs}
        self.query_one(MemoryTable).show([_row(pair) for pair in self._pairs.values()])
        empty = self.query_one(".empty", Static)
        empty.display = not self._pairs
        self.query_one(MemoryTable).display = bool(self._pairs)
        set_caption(self.query_one("#pairs"), "pairs", f"{len(self._pairs)}")
        self._show_chosen()

    @on(Input.Changed)
    def _search_after_rest(self) -> None:
        self._after_rest(self.action_fetch)

    @on(Input.Submitted)
    def action_leave_search(self) -> None:
        self.query_one(MemoryTable).focus()

    def action_search(self) -> None:
        self.query_one(Input).focus()

    @on(Table.RowHighlighted)
    def _show_chosen(self) -> None:
        pair = self._pairs.get(self.query_one(MemoryTable).chosen or "")
        set_caption(self.query_one("#pair"), "pair")
        self.query_one(".facts", Static).update(_facts(pair) if pair else Content(""))
        if pair is None:
            self.query_one(PictureView).show(b"")
        elif pair.frame != self._frame:
            self._after_rest(lambda: self._fetch_frame(pair.frame))

    def _fetch_frame(self, frame: str) -> None:
        self._frame = frame
        view = self.query_one(PictureView)

        def show(jpeg: bytes) -> None:
            if self.is_attached and frame == self._frame:
                view.show(jpeg, "This frame is not kept any more.")

        self.desk.want(Picture(frame), show, lambda: show(b""))

    def _after_rest(self, do: Callable[[], None]) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST, do)

    def action_correct(self) -> None:
        pair = self._chosen()
        if pair is not None:
            answer = self._unsent.pop(pair.pair, pair.answer)
            self.app.push_screen(
                AnswerDialog(pair.question, answer), lambda answer: self._revise(pair, answer)
            )

    def action_forget(self) -> None:
        pair = self._chosen()
        if pair is not None:
            words = f"{plain(pair.question, 300)} {plain(pair.answer, 200)} This cannot be taken back."
            self.app.push_screen(
                Sure("forget this pair?", words), lambda sure: self._forget(pair, bool(sure))
            )

    def _revise(self, pair: Remembrance, answer: str | None) -> None:
        def put_back() -> None:
            self._unsent[pair.pair] = answer or ""
            if self.is_current and self._chosen() == pair:
                self.action_correct()

        if answer is not None and answer != pair.answer:
            self.desk.want(Revise(pair.pair, answer), lambda _: self.action_fetch(), put_back)

    def _forget(self, pair: Remembrance, sure: bool) -> None:
        if sure:
            self.desk.want(Revise(pair.pair, None), lambda _: self.action_fetch())

    def _chosen(self) -> Remembrance | None:
        return self._pairs.get(self.query_one(MemoryTable).chosen or "")


def _row(pair: Remembrance) -> Row:
    like = "" if pair.likeness is None else share(pair.likeness)
    colour = "memory" if pair.source == "person" else "expert"
    return Row(
        pair.pair,
        (
            Cell(pair.question), Cell(pair.answer, bold=True), Cell(like, "secondary"),
            Cell(pair.source, colour), Cell(moment(pair.created), "secondary"),
        ),
    )  # fmt: skip


def _facts(pair: Remembrance) -> Content:
    facts = (cut(pair.source, 20), moment(pair.created), cut(pair.room, 30), pair.pair[:8])
    return Content.assemble(
        (plain(pair.question, 300), "bold"),
        "\n",
        plain(pair.answer, 300),
        "\n",
        (" · ".join(facts), "$muted"),
    )
