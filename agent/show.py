"""A session on a terminal: a line a turn as it happens, and what it amounts to at the end."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.summary import ALL, SOURCES, Summary
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    Answered,
    Asked,
    Event,
    ExpertUnreachable,
    Failed,
    Judged,
    Resumed,
    Routed,
    SessionStarted,
)

_MARKS = {True: "[green]right[/]", False: "[red]wrong[/]"}
_COLOURS = {"memory": "magenta", "student": "cyan", "expert": "yellow"}
_STEP = 10  # of an adaptation between two lines


class Watcher:
    """Shows events on a console as they come. One turn's events come one after another."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._asked: Asked | None = None
        self._why = ""

    def __call__(self, event: Event) -> None:
        """Show an event, or keep it for the line that it belongs to."""
        match event:
            case SessionStarted():
                pair = f"{escape(event.student)} learns from {escape(event.expert)}"
                self._say(f"[bold]{escape(event.room)}[/]: {pair}")
            case Resumed():
                self._say(f"Going on with question {event.turn}; what came before it is answered.")
            case Asked():
                self._asked = event
            case Routed():
                self._why = event.reason
            case Answered():
                self._answered(event)
            case Judged():
                self._say(
                    f"     {_MARKS[event.right]}" + ("" if event.right else f": {escape(event.reference)}")
                )
            case _:
                self._other(event)

    def _answered(self, event: Answered) -> None:
        asked = self._asked
        if asked is not None:
            self._say(f"[bold]{event.turn:>3}[/]  {escape(asked.question)}")
        age = f", frame {asked.frame_age_ms:.0f} ms old" if asked else ""
        self._say(
            f"     [{_COLOURS[event.by]}]{event.by}[/]: [bold]{escape(event.text) or '(no words)'}[/]  "
            f"[dim]{event.confidence:.2f} sure, {event.latency_ms:.0f} ms{age}; {escape(self._why)}[/]"
        )

    def _other(self, event: Event) -> None:
        match event:
            case ExpertUnreachable():
                self._say(f"     [red]no expert[/]: {escape(event.reason)}")
            case AdaptationStarted():
                self._say(f"     [blue]adapting[/] to {event.pairs} pairs ...")
            case AdaptationProgressed() if event.step % _STEP == 0:
                self._say(f"     [blue]adapting[/] {event.step}/{event.steps}, loss {event.loss:.2f}")
            case AdaptationEnded():
                verdict = "promoted" if event.promoted else "interrupted" if event.again else "rejected"
                self._say(f"     [blue]{verdict}[/] after {event.seconds:.1f} s: {escape(event.reason)}")
            case Activated():
                self._say(f"     [blue]the student answers with adapter {escape(event.adapter) or 'none'}[/]")
            case Failed():
                self._say(f"     [red]{escape(event.what)} failed[/]: {escape(event.error)}")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False)


def show_summary(summary: Summary, console: Console) -> None:
    """Who answered and who was right, turn by turn; the methods side by side; calls saved and times."""
    initials = "".join(turn.by[0] for turn in summary.turns)
    marks = "".join("·" if turn.right is None else "#" if turn.right else "-" for turn in summary.turns)
    console.print(f"\nanswered by  {initials}  (expert, student, memory)", highlight=False)
    console.print(f"right        {marks}  (# right, - wrong)", highlight=False)
    if summary.table:
        console.print(_table(summary))
    share = summary.accuracy
    known = f"{share.right} of {share.n} right; the" if share.n else "The"
    console.print(
        f"{known} expert was asked {summary.expert_calls} times, "
        f"{summary.saved} calls were saved after the warm-up.",
        highlight=False,
    )
    times = [(by, summary.latency_ms(by)) for by in SOURCES]
    told = ", ".join(f"{by} {value:.0f} ms" for by, value in times if value is not None)
    console.print(f"Median time to an answer: {told or 'none'}.", highlight=False)


def _table(summary: Summary) -> Table:
    """Methods down, tags across: the share right after the warm-up."""
    tags = list(dict.fromkeys(tag for by_tag in summary.table.values() for tag in by_tag))
    tags.sort(key=lambda tag: (tag != ALL, tag))
    table = Table(title="Right after the warm-up")
    table.add_column("method")
    for tag in tags:
        table.add_column(tag, justify="right")
    for method, by_tag in summary.table.items():
        shares = [by_tag.get(tag) for tag in tags]
        table.add_row(method, *(f"{share.mean:.2f} ({share.n})" if share else "" for share in shares))
    return table
