"""A session's results on a terminal: the curve, methods side by side, calls saved, resources used."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.recording.summary import ALL, SOURCES, Summary
from agent.replay.plot import terminal_curve
from core.text import printable, strip_controls


def show_summary(summary: Summary, console: Console) -> None:
    """Print the curve, the table by tag where methods were compared, and the figures."""
    console.print()
    for line in terminal_curve(summary):
        console.print(line, highlight=False)
    if summary.table:
        console.print(_table(summary))
    for sentence in figures(summary):
        console.print(Text(printable(sentence)), highlight=False, soft_wrap=not console.is_terminal)


def figures(summary: Summary) -> Iterator[str]:
    """Sentences for terminal and report: accuracy, calls saved, times, memory."""
    share = summary.accuracy
    if share.n:
        yield f"{share.right} of {share.n} answers were right."
    calls = f"The expert was asked {summary.expert_calls} times"
    if summary.extra_calls:
        calls += f" and {summary.extra_calls} times more by the agent"
    if summary.spent is not None:
        calls += f", {summary.spent.bytes / 1e6:.1f} MB over the network"
    yield f"{calls}; after the warm-up {summary.saved} questions did without it."
    times = [(by, summary.latency_ms(by)) for by in SOURCES]
    latencies = ", ".join(f"{by} {value:.0f} ms" for by, value in times if value is not None)
    yield f"Median time to an answer: {latencies or 'none'}."
    yield from _room_sentences(summary)
    yield from _adaptation_sentences(summary)
    yield from _resource_sentences(summary)


def _room_sentences(summary: Summary) -> Iterator[str]:
    """How well rooms were told apart, and what that was worth."""
    placed, single = summary.placed, summary.one_room
    if len({turn.true_room for turn in summary.turns}) > 1:
        yield f"{placed.right} of {placed.n} questions were taken to be asked in the room where they were."
    if single is not None:
        ours, theirs = summary.after, single.after
        yield (
            f"After the warm-ups {ours.right} of {ours.n} answers were right with a memory and an adapter "
            f"for each room, {theirs.right} of {theirs.n} with one of each for all rooms."
        )
        tables = [played.table.get("adapted") for played in (summary, single)]
        alone = [table[ALL].right if table else 0 for table in tables]
        if alone[0] and alone[1]:
            yield f"The student alone: {alone[0]} of {ours.n} with its room's adapter, {alone[1]} with one."


def _adaptation_sentences(summary: Summary) -> Iterator[str]:
    for ended in summary.adaptations:
        verdict = f"adapter {ended.adapter} promoted" if ended.promoted else "no new adapter"
        yield f"Adaptation, {ended.seconds:.0f} s: {verdict}. {ended.reason}"
        step, steps = summary.steps.get(ended.job, (0, 0))
        if step < steps and not ended.again:
            yield (
                f"Its time was up at step {step} of {steps}, so another run may answer otherwise. "
                "Give it longer with adaptation.seconds."
            )


def _resource_sentences(summary: Summary) -> Iterator[str]:
    used = summary.used
    if used is None:
        return
    if used.peak_bytes:
        child = f", and {size(used.child_peak_bytes)} in the training child" if used.child_peak_bytes else ""
        yield f"At most {size(used.peak_bytes)} of memory{child}."
    yield (
        f"On the disk: adapters {size(used.adapter_bytes)}, memory {size(used.memory_bytes)}, "
        f"recording {size(used.recording_bytes)}. In all {summary.seconds:.0f} s."
    )


def size(count: int) -> str:
    """Bytes as people read them: 1.5 MB."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def tags_of(summary: Summary) -> list[str]:
    """The compared tags, all of them first."""
    tags = dict.fromkeys(tag for by_tag in summary.table.values() for tag in by_tag)
    return sorted(tags, key=lambda tag: (tag != ALL, tag))


def _table(summary: Summary) -> Table:
    """Tags down, methods across: the share right after the warm-up."""
    table = Table(title="Right after the warm-up", title_justify="left")
    table.add_column("what the question takes")
    table.add_column("n", justify="right")
    for method in summary.table:
        table.add_column(Text(strip_controls(method)), justify="right")
    for tag in tags_of(summary):
        shares = [by_tag.get(tag) for by_tag in summary.table.values()]
        n = max(share.n for share in shares if share)
        table.add_row(
            Text(strip_controls(tag)), str(n), *(f"{share.mean:.2f}" if share else "" for share in shares)
        )
    return table
