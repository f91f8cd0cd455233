"""A console without a session: tells what it is told to tell, and notes what is wanted of it."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from agent.console import (
    AdapterLine,
    Ask,
    Back,
    Choose,
    ConsoleMessage,
    Correct,
    Find,
    Hear,
    Overlay,
    Picture,
    Pulse,
    Remembrance,
    SessionLine,
    Sessions,
    Setting,
    Settings,
    Versions,
    Wish,
)
from core.errors import InputError
from core.events import (
    Activated,
    AdaptationEnded,
    AdaptationProgressed,
    AdaptationStarted,
    Answered,
    Asked,
    Compared,
    Corrected,
    Event,
    Inquired,
    Judged,
    Remembered,
    Routed,
    SessionStarted,
    Source,
    Weighed,
)

BEGAN = 1_790_000_000.0
DEMO = Path(__file__).parent.parent / "agent" / "recording" / "demo" / "session"
EVIL = "[bold red]x[/] \x1b[31mred\x1b[0m [@click=app.quit]q[/] \u202eevil \\[ $expert"
"""What a model or a sign on a wall might say."""

_TALK: tuple[tuple[str, str, Source, bool], ...] = (
    ("Where do you see the bed, left or right of the wardrobe?", "right", "expert", False),
    ("In what color do you see the bed?", "yellow", "expert", True),
    ("How many cushions lie on the bed?", "two", "expert", False),
    ("Is there a backpack in the picture?", "no", "expert", True),
    ("What stands on the desk?", "a lamp", "expert", True),
    ("What color is the lamp?", "green", "student", True),
    ("Which is nearer, the lamp or the wardrobe?", "the wardrobe", "student", False),
    ("In what color do you see the bed?", "yellow", "memory", True),
)


@cache
def jpeg(number: int = 0, width: int = 320) -> bytes:
    """A frame of the demo, made small."""
    with Image.open(DEMO / f"frame-{number % 4}.jpg") as picture:
        small = picture.convert("RGB").resize((width, width * picture.height // picture.width))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()


def started(**changes: Any) -> SessionStarted:
    """The beginning of a session with a warm-up of five."""
    event = SessionStarted(
        at=BEGAN, session="cf38bf16516044f3", room="bedroom", student="builtin-student",
        expert="builtin-expert", warm_up=5, seed=0,
    )  # fmt: skip
    return replace(event, **changes)


def turn_events(number: int) -> list[Event]:
    """All events of a turn, 1 to 8."""
    question, answer, by, right = _TALK[number - 1]
    at = BEGAN + 10 * number
    method = "adapted" if number > 5 else "untouched"
    events: list[Event] = [
        Asked(at=at, turn=number, question=question, frame=f"{number:064x}", frame_age_ms=40.0 + number)
    ]
    if by == "student":
        events.append(Weighed(at=at, turn=number, text=answer, probability=0.7 + number / 50, needed=0.5))
    if by == "expert":
        events.append(Remembered(at=at, turn=number, pair=f"{number:032x}"))
    reason = f"warm-up, {6 - number} of 5 questions left" if by == "expert" else "the student learnt of this"
    latency = {"expert": 1840.0, "student": 212.0, "memory": 35.0}[by]
    events += [
        Routed(at=at + 1, turn=number, to=by, reason=reason),
        Answered(at=at + 2, turn=number, by=by, text=answer, confidence=0.82 + number / 100,
                 latency_ms=latency,
                 adapter="0001" if by == "student" else ""),
        Judged(at=at + 2, turn=number, reference=answer if by != "student" or right else "the lamp",
               right=by != "student" or right, nls=1.0),
        Compared(at=at + 2, turn=number, method=method, text=answer, right=right),
    ]  # fmt: skip
    return events


def learning_events(steps: int = 60, of: int = 120) -> list[Event]:
    """An adaptation on its way."""
    at = BEGAN + 55
    return [
        AdaptationStarted(at=at, job="j", pairs=45),
        *(
            AdaptationProgressed(
                at=at + step / 4, job="j", step=step, steps=of, loss=0.2 + 2.4 / (1 + step / 9)
            )
            for step in range(1, steps + 1)
        ),
    ]


def verdict(promoted: bool = True) -> AdaptationEnded:
    """How the gate judged it."""
    scores = {
        "current.train.exact": 0.78, "candidate.train.exact": 1.0,
        "current.hold_out.exact": 0.5, "candidate.hold_out.exact": 0.75,
        "current.probe.exact": 0.67, "candidate.probe.exact": 0.63,
    }  # fmt: skip
    return AdaptationEnded(
        at=BEGAN + 96, job="j", promoted=promoted,
        reason="It gets 100% of the room's pairs right, 78% before; probe set 67%.",
        seconds=41.2, adapter="0001" if promoted else "", scores=scores,
    )  # fmt: skip


def session(turns: int = 8, learnt: bool = True) -> list[Event]:
    """The events of a session so far: five questions to the expert, learning, what came after."""
    events: list[Event] = [started()]
    for number in range(1, min(turns, 5) + 1):
        events += turn_events(number)
    if turns >= 2:
        events.insert(8, Inquired(at=BEGAN + 14, turn=1, calls=40))
    if turns > 5 and learnt:
        events += [*learning_events(120), verdict(), Activated(at=BEGAN + 97, adapter="0001")]
    for number in range(6, turns + 1):
        events += turn_events(number)
    if turns >= 8:
        events.append(Corrected(at=BEGAN + 90, turn=7, text="the lamp", pair="c" * 32))
    return events


def pulse(**changes: Any) -> Pulse:
    """All is well."""
    usual = Pulse(
        frame=jpeg(), age_ms=120.0, frames_per_s=14.8, listening="key", attached=1,
        memory_bytes=812_000_000, processor=0.34,
    )  # fmt: skip
    return replace(usual, **changes)


REMEMBERED = [
    Remembrance(
        pair=f"{number:032x}", room="bedroom", question=question, answer=answer, frame=f"{number:064x}",
        source="person" if number == 7 else "expert", created=f"2026-11-21T14:0{number}:00+00:00",
    )
    for number, (question, answer, _, _) in enumerate(_TALK, 1)
]  # fmt: skip
ADAPTERS = [
    AdapterLine(3, False, "rejected: it forgets, probe set 41%", "2026-11-21T15:20:00+00:00", 61, 2,
                {"candidate.train.exact": 0.99, "current.train.exact": 0.93, "candidate.probe.exact": 0.41,
                 "current.probe.exact": 0.66}),
    AdapterLine(2, True, "promoted: 93% of the room's pairs right", "2026-11-21T15:02:00+00:00", 52, 1,
                {"candidate.train.exact": 0.93, "current.train.exact": 0.81, "candidate.probe.exact": 0.66,
                 "current.probe.exact": 0.67}),
    AdapterLine(1, False, "promoted: 100% of the room's pairs right", "2026-11-21T14:40:00+00:00", 45, None,
                {"candidate.train.exact": 1.0, "current.train.exact": 0.78, "candidate.probe.exact": 0.67,
                 "current.probe.exact": 0.67}),
]  # fmt: skip
SESSIONS = [
    SessionLine(
        "2026-11-21-bedroom-cf38bf16516044f3", "bedroom", "2026-11-21T14:00:00+00:00", 20, 0.5, 2_400_000
    ),
    SessionLine("2026-11-20-kitchen-77aa", "kitchen", "2026-11-20T09:12:00+00:00", 34, 0.71, 5_100_000),
    SessionLine("2026-11-18-den-0b12", "den", "2026-11-18T18:45:00+00:00", 6, 0.0, 310_000),
]
SETTINGS = [
    Setting("camera.oldest_ms", "2000", "default"),
    Setting("camera.source", "demo", "command line"),
    Setting("expert.model", "builtin-expert", "default"),
    Setting("expert.token", "********", "environment"),
    Setting("loop.warm_up", "5", "roomwise.toml"),
]


class FakeConsole:
    """`replies` holds an answer, an exception or a function of the wish for each kind of wish; `held` keeps
    the futures of kinds that are to wait.
    """

    def __init__(self, *first: ConsoleMessage) -> None:
        self.first: Sequence[ConsoleMessage] = first or (Back(session()), pulse())
        self.wishes: list[Wish] = []
        self.hearing: list[Hear] = []
        self.waiting: list[Future[Any]] = []
        self.held: set[type] = set()
        self.replies: dict[type, Any] = {
            Ask: 1, Find: _found, Picture: lambda wish: jpeg(int(wish.frame[-1:] or "0", 16), 640),
            Overlay: lambda wish: jpeg(wish.turn, 640), Versions: ADAPTERS, Sessions: SESSIONS,
            Settings: SETTINGS,
            Choose: None, Correct: None,
        }  # fmt: skip

    def listen(self, hear: Hear) -> Callable[[], None]:
        self.hearing.append(hear)
        for heard in self.first:
            hear(heard)
        return lambda: self.hearing.remove(hear)

    def tell(self, *all_of_it: ConsoleMessage) -> None:
        """Tell everybody who listens."""
        for heard in all_of_it:
            for hear in list(self.hearing):
                hear(heard)

    def put(self, wish: Wish) -> "Future[Any]":
        self.wishes.append(wish)
        future: Future[Any] = Future()
        if type(wish) in self.held:
            self.waiting.append(future)
            return future
        reply = self.replies.get(type(wish))
        try:
            future.set_result(reply(wish) if callable(reply) else _raised(reply))
        except Exception as error:  # noqa: BLE001  # the future's
            future.set_exception(error)
        return future

    def wanted(self, kind: type) -> list[Any]:
        """What was wanted of this kind."""
        return [wish for wish in self.wishes if isinstance(wish, kind)]


def _raised(reply: Any) -> Any:
    if isinstance(reply, BaseException):
        raise reply
    return reply


def _found(wish: Find) -> list[Remembrance]:
    if not wish.words:
        return REMEMBERED
    words = wish.words.casefold()
    if words == "fail":
        raise InputError("Cannot search for that. Use other words.")
    found = [one for one in REMEMBERED if words in f"{one.question} {one.answer}".casefold()]
    return [replace(one, likeness=0.9 - number / 10) for number, one in enumerate(found)]
