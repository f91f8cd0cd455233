"""The line a question is typed into, or spoken."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message

from tui.line import TextLine
from tui.parts import Now, Part
from tui.state import State


class QuestionInput(TextLine):
    """A line for a question. Space in the empty line is the key for talking; up and down recall questions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "talk", "Talk", tooltip="Speak, and again when you have done (empty line)"),
        Binding("enter", "submit", "Ask", tooltip="Ask what the line says", show=False),
        Binding("up", "earlier(1)", "Earlier question", show=False),
        Binding("down", "earlier(-1)", "Later question", show=False),
    ]

    class Talked(Message):
        """The key for talking was pressed."""

    def __init__(self, **where: Any) -> None:
        super().__init__(placeholder="Ask about the room", compact=True, **where)
        self._asked: list[str] = []
        self._unsent: list[str] = []
        self._draft = ""
        self._back = 0

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Space is a letter once there is one before it."""
        return (key != "space" or bool(self.value)) and super().check_consume_key(key, character)

    async def on_key(self, event: events.Key) -> None:
        if event.key == "space" and not self.value:
            event.stop()
            event.prevent_default()
            self.action_talk()

    def action_talk(self) -> None:
        self.post_message(self.Talked())

    def know(self, questions: Iterable[str]) -> None:
        """Set the questions that can be recalled, oldest first; those that did not arrive come last."""
        self._asked, self._back = [*questions, *self._unsent], 0

    def give_back(self, question: str) -> None:
        """A question that did not arrive: into the line, or among those that can be recalled."""
        if not self.value:
            self.value = question
        else:
            self._unsent.append(question)
            self._asked.append(question)

    def action_earlier(self, steps: int) -> None:
        back = min(len(self._asked), max(0, self._back + steps))
        if not self._back:
            self._draft = self.value
        if back != self._back:
            self._back = back
            self.value = self._asked[-back] if back else self._draft
            self.cursor_position = len(self.value)


class Asking(Horizontal):
    def __init__(self, **where: Any) -> None:
        super().__init__(**where)
        self.expert = False
        """Whether the next question goes to the expert."""
        self.talking = False
        """Whether the key for talking counts as pressed."""

    def compose(self) -> ComposeResult:
        yield PromptMark(id="prompt")
        yield QuestionInput(id="question")

    def draw(self, state: State, now: Now) -> None:
        self.query_one(PromptMark).put(prompt(state, self.expert, self.talking))


class PromptMark(Part):
    """What is to come before the line."""

    def draw(self, state: State, now: Now) -> None:
        """Drawn by `Asking`, which knows more."""


def prompt(state: State, expert: bool, talking: bool) -> Content:
    """Whom a question goes to, and whether somebody is listened to."""
    if talking:
        return Content.styled("◉ speak, then space ▸", "bold $error")
    listening = state.pulse.listening if state.pulse else "none"
    if listening == "speech":
        return Content.styled("◉ listening ▸", "bold $error")
    if listening == "busy":
        return Content.styled("◌ making it out ▸", "$warning")
    if expert:
        return Content.styled("to the expert ▸", "bold $expert")
    return Content.styled("▸", "bold $accent")
