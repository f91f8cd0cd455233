"""The versions of this room's adapter: what each grew from, how it was judged; let another one answer."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from agent.console import AdapterLine, Choose, Versions
from tui.panels import scores
from tui.parts import Now, set_caption
from tui.screens import DashScreen
from tui.state import State
from tui.table import Cell, Column, Row, Table
from tui.words import NOTHING, moment, plain, share

_COLUMNS = (
    Column("version", 10),
    Column("grew from", 10, from_width=56),
    Column("pairs", 6),
    Column("learnt", 7, from_width=44),
    Column("probe", 7, from_width=44),
    Column("verdict"),
    Column("when", 16, from_width=70),
)


class AdapterTable(Table):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p,enter", "screen.promote", "Promote", tooltip="Let the chosen version answer"),
        Binding("b", "screen.roll_back", "Roll back", tooltip="Let the version before answer again"),
    ]


class AdaptersScreen(DashScreen):
    """Versions on the left, the chosen one's scores on the right."""

    NAME = "adapters"
    AUTO_FOCUS = "AdapterTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "fetch", "Reload", show=False, tooltip="Look again what versions there are")
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[str, AdapterLine] = {}
        self._seen: object = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(classes="split"):
            with Vertical(classes="panel", id="versions"):
                yield AdapterTable(_COLUMNS)
                yield Static(
                    "This room has no adapter yet: the student has learnt nothing here.", classes="empty"
                )
            with Vertical(classes="panel beside", id="version"):
                yield Static("", classes="facts", markup=False)

    def draw_body(self, state: State, now: Now) -> None:
        change = (state.adapter, state.job.ended if state.job else None)
        if change != self._seen:
            self._seen = change
            self.action_fetch()

    def action_fetch(self) -> None:
        self.desk.want(Versions(), self._fill)

    def _fill(self, lines: Sequence[AdapterLine]) -> None:
        if not self.is_attached:
            return
        self._lines = {str(line.number): line for line in lines}
        table = self.query_one(AdapterTable)
        table.show([_row(line) for line in lines])
        table.display = bool(lines)
        self.query_one(".empty", Static).display = not lines
        set_caption(self.query_one("#versions"), "versions", f"{len(lines)}")
        self._show_chosen()

    @on(Table.RowHighlighted)
    def _show_chosen(self) -> None:
        line = self._chosen()
        set_caption(self.query_one("#version"), "version")
        self.query_one(".facts", Static).update(_facts(line, self._lines) if line else Content(""))

    def action_promote(self) -> None:
        line = self._chosen()
        if line is not None and not line.current:
            self.desk.want(Choose(line.number), lambda _: self.action_fetch())

    def action_roll_back(self) -> None:
        self.desk.want(Choose(None), lambda _: self.action_fetch())

    def _chosen(self) -> AdapterLine | None:
        return self._lines.get(self.query_one(AdapterTable).chosen or "")


def label(number: int | None) -> str:
    return "student" if number is None else f"{number:04d}"


def lineage(line: AdapterLine, lines: Mapping[str, AdapterLine]) -> list[str]:
    """The version's name and its ancestors', newest first, down to the student."""
    names, parent, visited = [label(line.number)], line.parent, {line.number}
    while parent is not None and parent not in visited:
        visited.add(parent)
        names.append(label(parent))
        ancestor = lines.get(str(parent))
        parent = ancestor.parent if ancestor else None
    return [*names, label(None)]


def _row(line: AdapterLine) -> Row:
    learnt, probe = (_after(line, name) for name in ("train", "probe"))
    verdict, mark = plain(line.verdict, 200), "●" if line.current else " "
    colour = "success" if "promoted" in verdict.lower() else ""
    return Row(
        str(line.number),
        (
            Cell(f"{mark} {label(line.number)}", "student" if line.current else "", line.current),
            Cell(label(line.parent), "secondary"), Cell(str(line.pairs)), Cell(learnt), Cell(probe),
            Cell(verdict, colour), Cell(moment(line.created), "secondary"),
        ),
    )  # fmt: skip


def _after(line: AdapterLine, name: str) -> str:
    value = line.scores.get(f"candidate.{name}.exact")
    return NOTHING if value is None else share(value)


def _facts(line: AdapterLine, lines: Mapping[str, AdapterLine]) -> Content:
    rows = [
        Content.assemble((label(line.number), "bold"), ("  answers now" if line.current else "", "$student")),
        Content.styled(f"{line.pairs} pairs · {moment(line.created)}", "$muted"),
        Content.styled(" ← ".join(lineage(line, lines)), "$muted"),
        Content(""),
        Content(plain(line.verdict, 600)),
        Content(""),
        *scores(line.scores),
    ]
    rest = {name: value for name, value in line.scores.items() if "." not in name}
    rows += [
        Content.styled(f"{plain(name, 20)}  {value:.3g}", "$muted") for name, value in sorted(rest.items())
    ]
    return Content("\n").join(rows)
