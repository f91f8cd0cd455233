"""An adaptation on a terminal: a progress bar, or a line now and then."""

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_STEP = 10  # steps between two lines


class TrainingBar:
    """Shows at most one adaptation at a time. `stop` may always be called."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def start(self, pairs: int) -> None:
        """A child has begun to learn so many pairs."""
        self.stop()
        if not self._console.is_terminal:
            self._console.print(f"     [blue]adapting[/] to {pairs} pairs ...", highlight=False)
            return
        self._progress = Progress(
            TextColumn("     [blue]adapting[/] to {task.fields[pairs]} pairs, {task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._progress.add_task("getting ready", total=None, pairs=pairs)
        self._progress.start()

    def plan(self, text: str) -> None:
        """What the child will do."""
        self._console.print(f"     [blue]adapting[/]: {escape(text)}", highlight=False)

    def step(self, step: int, steps: int, loss: float) -> None:
        if self._progress is not None:
            description = f"loss {loss:.2f}"
            self._progress.update(self._task, completed=step, total=steps, description=description)
        elif step % _STEP == 0:
            self._console.print(f"     [blue]adapting[/] {step}/{steps}, loss {loss:.2f}", highlight=False)

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
