"""The first screen: the room, the conversation, and the student learning."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical

from agent.console import Ask, Correct, Overlay, Talk
from core.errors import RoomwiseError
from core.text import check_question
from tui.asking import Asking, QuestionInput
from tui.conversation import Conversation
from tui.dialogs import Correcting, Looking
from tui.live import LiveView
from tui.panels import Learning, MeterPanel, TakeOverPanel
from tui.parts import Now, Part
from tui.screens import DashScreen
from tui.state import State
from tui.words import plain


class FrontScreen(DashScreen):
    NAME = "live"
    AUTO_FOCUS = "QuestionInput"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+e", "expert", "Expert", priority=True, tooltip="The next question goes to the expert"),
        Binding("ctrl+n", "wrong", "Wrong", priority=True, tooltip="An answer was wrong: type the right one"),
        Binding("ctrl+l", "look", "Look", priority=True, tooltip="Where the last answer was looked for"),
        Binding("pageup", "back(-1)", "Earlier", show=False, tooltip="Scroll the conversation back"),
        Binding("pagedown", "back(1)", "Later", show=False, tooltip="Scroll the conversation on"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._unsent: tuple[int, str] | tuple[()] = ()
        """A correction that did not arrive, to begin with when the next answer is corrected."""

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield LiveView()
                with Container(id="lower"):
                    yield TakeOverPanel()
                    yield Learning()
                    yield MeterPanel()
            with Vertical(id="right"):
                yield Conversation()
        yield Asking()

    def draw_body(self, state: State, now: Now) -> None:
        asking = self.query_one(Asking)
        if asking.talking and state.pulse is not None and state.pulse.listening in ("none", "busy", "muted"):
            asking.talking = False
        self.query_one(LiveView).stale_ms = self.desk.stale_ms
        panels: tuple[type[Part], ...] = (TakeOverPanel, Learning, MeterPanel)
        for panel in panels:
            self.query_one(panel).draw(state, now)
        self.query_one(LiveView).draw(state, now)
        self.query_one(Conversation).draw(state, now)
        asking.draw(state, now)

    @on(QuestionInput.Submitted)
    def _ask(self, event: QuestionInput.Submitted) -> None:
        line, asking = self.query_one(QuestionInput), self.query_one(Asking)
        try:
            question = check_question(event.value)
        except RoomwiseError as error:
            if event.value:
                self.notify(str(error), severity="warning", markup=False)
            return

        def put_back() -> None:
            if self.is_attached:
                line.give_back(question)

        self.desk.want(Ask(question, "expert" if asking.expert else None), failed=put_back)
        line.value = ""
        asking.expert = False
        line.know([*(plain(turn.question) for turn in self.desk.state.turns.values()), question])
        self._redraw_asking()

    @on(QuestionInput.Talked)
    def _talk(self) -> None:
        asking = self.query_one(Asking)
        asking.talking = not asking.talking

        def let_go() -> None:
            asking.talking = False

        self.desk.want(Talk(asking.talking), failed=let_go)
        self._redraw_asking()

    def action_expert(self) -> None:
        asking = self.query_one(Asking)
        asking.expert = not asking.expert
        self._redraw_asking()

    def action_wrong(self) -> None:
        turns = [turn for _, turn in sorted(self.desk.state.turns.items()) if turn.answered]
        if not turns:
            self.notify("Nothing has been answered yet. Ask a question first.", severity="warning")
            return
        self.app.push_screen(Correcting(turns, *self._unsent), self._correct)
        self._unsent = ()

    def _correct(self, corrected: tuple[int, str] | None) -> None:
        def put_back() -> None:
            self._unsent = corrected or ()
            if self.is_current:
                self.action_wrong()

        if corrected is not None:
            self.desk.want(Correct(*corrected), failed=put_back)

    def action_look(self) -> None:
        turns = [number for number, turn in self.desk.state.turns.items() if turn.answered]
        if not turns:
            self.notify("Nothing has been answered yet. Ask a question first.", severity="warning")
            return
        turn = self.desk.state.turns[max(turns)]
        title = f"{plain(turn.question, 200)}  {plain(turn.answer, 100)}"
        self.desk.want(Overlay(turn.number), lambda jpeg: self._show_overlay(jpeg, title))

    def _show_overlay(self, jpeg: bytes, title: str) -> None:
        if self.is_current:
            self.app.push_screen(Looking(jpeg, title))

    def action_back(self, direction: int) -> None:
        conversation = self.query_one(Conversation)
        if direction < 0:
            conversation.scroll_page_up()
        else:
            conversation.scroll_page_down()

    def _redraw_asking(self) -> None:
        self.query_one(Asking).draw(self.desk.state, self.desk.moment())
