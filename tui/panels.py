"""The panels beside the conversation: the take-over curve, what is being learnt, what the machine does."""

from collections.abc import Mapping
from statistics import median

from textual.content import Content

from agent.console import Pulse
from tui.parts import Now, Part, set_caption
from tui.plot import meaning, sparkline, takeover
from tui.state import AdaptationState, State
from tui.words import NOTHING, clip, cut, duration, plain, share, size

_RECENT = 20
"""Turns of whose times the median is told."""
_WORSE = 0.02
"""A share that fell by more is told in red."""


class TakeOverPanel(Part):
    """The take-over curve, growing. Its border says what the line means."""

    def draw(self, state: State, now: Now) -> None:
        turns = [state.turns[number] for number in sorted(state.turns)]
        warm_up = state.started.warm_up if state.started else 10
        set_caption(self, "take-over", meaning(turns))
        self.put(takeover(turns, warm_up, *self.content_size))


class Learning(Part):
    """How far the adaptation is, how its loss falls, and what the gate says."""

    def draw(self, state: State, now: Now) -> None:
        set_caption(self, "learning", "paused" if state.paused else "")
        self.set_class(state.paused, "-paused")
        columns, rows = self.content_size
        self.put(clip(learning(state, now, columns, rows), columns, rows))


def learning(state: State, now: Now, columns: int, rows: int) -> Content:
    job = state.job
    if job is None:
        words = "Learning waits until it is let go on." if state.paused else "Nothing to learn from yet."
        return Content.styled(words, "$muted")
    if job.ended is not None:
        return _verdict(job, columns, rows)
    return _progress(job, now, columns, rows)


def _progress(job: AdaptationState, now: Now, columns: int, rows: int) -> Content:
    count = f" {job.step}/{job.steps}" if job.steps else " getting ready"
    wide = max(4, columns - len(count))
    filled = round(job.share * wide)
    lines = [
        Content.assemble(("━" * filled, "$student"), ("━" * (wide - filled), "$line"), (count, "")),
        _losses(job, columns),
    ]
    lines.append(Content.styled(_pace(job, now), "$muted"))
    return Content("\n").join(lines[: max(1, rows)])


def _losses(job: AdaptationState, columns: int) -> Content:
    if not job.losses:
        return Content.styled(f"{job.pairs} pairs", "$muted")
    label = f"loss {job.losses[-1]:.2f} "
    return Content.assemble((label, ""), (sparkline(job.losses, max(1, columns - len(label))), "$student"))


def _pace(job: AdaptationState, now: Now) -> str:
    spent = max(0.0, (now.at or job.at) - job.began)
    text = f"{job.pairs} pairs, {duration(spent)}" if job.pairs else duration(spent)
    if job.step < 3 or job.step >= job.steps:
        return text
    left = max(0.0, job.at - job.began) / job.step * (job.steps - job.step)
    return f"{text}, about {duration(left)} left"


def _verdict(job: AdaptationState, columns: int, rows: int) -> Content:
    ended = job.ended
    if ended is None:
        return Content("")
    mark, style = ("✓ promoted", "$success") if ended.promoted else ("✗ rejected", "$error")
    if ended.again:
        mark, style = "↻ interrupted, begun anew", "$warning"
    name = f" {cut(ended.adapter, 20)}" if ended.adapter else ""
    lines = [
        Content.assemble((f"{mark}{name}", f"bold {style}"), (f" after {duration(ended.seconds)}", "$muted")),
        Content(plain(ended.reason, 400)),
    ]
    if rows >= 5 and job.losses:
        lines.insert(1, _losses(job, columns))
    if rows >= 8:
        lines += scores(ended.scores)
    return Content("\n").join(lines)


def scores(values: Mapping[str, float]) -> list[Content]:
    """Exact match before and after, for each set that both were judged by."""
    lines = []
    for name, words in (("train", "learnt pairs"), ("hold_out", "held-out pairs"), ("probe", "probe set")):
        before, after = (values.get(f"{who}.{name}.exact") for who in ("current", "candidate"))
        if before is not None and after is not None:
            style = "$success" if after > before else "$error" if after < before - _WORSE else ""
            lines.append(
                Content.assemble((f"{words:<15}", "$muted"), f"{share(before):>6} → ", (share(after), style))
            )
    return lines


class MeterPanel(Part):
    """What the machine does. What it does not tell is left out."""

    def draw(self, state: State, now: Now) -> None:
        set_caption(self, "machine")
        columns, rows = self.content_size
        lines = [
            Content.assemble((f"{name:<11}", "$muted"), (f"{value:>9}", "bold"), "  ", (little, "$student"))
            for name, value, little in readings(state, max(0, columns - 22))
        ]
        self.put(Content("\n").join(lines[: max(1, rows)]))


def readings(state: State, columns: int) -> list[tuple[str, str, str]]:
    """Name, value, and a small curve or nothing."""
    pulse = state.pulse or Pulse()
    rows = [
        ("frames", f"{pulse.frames_per_s:.1f} /s", sparkline(state.frames_per_s, columns, low=0.0)),
        ("answers in", _usual_latency(state), ""),
        ("memory", size(pulse.memory_bytes) if pulse.memory_bytes else NOTHING, ""),
        ("processor", share(pulse.processor), sparkline(state.processor, columns, 0.0, 1.0)),
    ]
    for name, value, words in (
        ("GPU", pulse.gpu, share(pulse.gpu)),
        ("heat", pulse.celsius, f"{pulse.celsius or 0:.0f} °C"),
        ("power", pulse.watts, f"{pulse.watts or 0:.1f} W"),
    ):
        if value is not None:
            rows.append((name, words, ""))
    if state.spent is not None:
        rows.append((
            "expert",
            f"{state.spent.calls} calls",
            size(state.spent.bytes) if state.spent.bytes else "",
        ))
    return rows


def short_readings(state: State) -> list[str]:
    """The same for one line, the most important first."""
    pulse = state.pulse
    if pulse is None:
        return []
    parts = [f"{share(pulse.processor)} cpu", size(pulse.memory_bytes), f"{pulse.frames_per_s:.0f} fps"]
    if pulse.celsius is not None:
        parts.append(f"{pulse.celsius:.0f} °C")
    if pulse.watts is not None:
        parts.append(f"{pulse.watts:.1f} W")
    if pulse.gpu is not None:
        parts.append(f"{share(pulse.gpu)} gpu")
    return parts


def _usual_latency(state: State) -> str:
    times = [turn.latency_ms for turn in state.turns.values() if turn.answered][-_RECENT:]
    return duration(median(times) / 1000) if times else NOTHING
