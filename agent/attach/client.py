"""A session in another process as a screen sees it. A lost connection is restored by itself."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agent.attach import codec
from agent.attach.codec import Json
from agent.attach.place import Local, Place, Remote
from agent.console import Back, ConsoleMessage, Gone, Hear, Pulse, Wish, settle
from core.errors import InputError, RoomwiseError
from core.event_lines import from_line
from core.events import Event

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0  # seconds between attempts
_CONNECT = 10.0  # seconds an attempt may take
_QUIET = 10.0  # seconds without a word, of an agent that speaks five times a second
_LOST = (OSError, asyncio.IncompleteReadError, ValueError, TypeError, RoomwiseError, asyncio.TimeoutError)
"""What a broken connection, or one that sends nonsense, raises."""
_AWAY = "The agent cannot be reached just now. Wait until it is back, or see: roomwise dash --help"


class _RefusedError(Exception):
    """The agent refuses us for good."""


class Attached:
    """A `Console` on an agent elsewhere, while inside the context."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="attached", daemon=True)
        self._stop = asyncio.Event()
        self._lock = threading.RLock()
        self._listeners: list[Hear] = []
        self._events: list[Event] = []
        self._past: list[Event] | None = []
        """Past events that are still being received; None once they are complete."""
        self._pulse: Pulse | None = None
        """The last pulse including its frame, for new listeners."""
        self._gone: Gone | None = Gone(f"Looking for the agent at {place.shown}.")
        self._writer: asyncio.StreamWriter | None = None
        self._numbers = itertools.count(1)
        self._wishes: dict[int, tuple[Wish, Future[Any]]] = {}

    def __enter__(self) -> "Attached":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # refused: the loop is closed already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def listen(self, hear: Hear) -> Callable[[], None]:
        with self._lock:
            self._listeners.append(hear)
            self._tell_one(hear, Back(tuple(self._events)) if self._gone is None else self._gone)
            if self._pulse is not None and hear in self._listeners:
                self._tell_one(hear, self._pulse)
        return lambda: self._forget(hear)

    def put(self, wish: Wish) -> "Future[Any]":
        reply: Future[Any] = Future()
        try:
            codec.decode(codec.encode(wish), type(wish))
            number = next(self._numbers)
            data = codec.line(codec.wish_message(number, wish))
            if len(data) > codec.LONGEST_WISH:
                raise InputError("That is too long to be sent. Say it in fewer words.")
            self._loop.call_soon_threadsafe(self._send, number, wish, data, reply)
        except InputError as error:
            settle(reply, error=error)
        except RuntimeError:  # the loop is closed
            settle(reply, error=InputError(_AWAY))
        return reply

    def _forget(self, hear: Hear) -> None:
        with self._lock:
            if hear in self._listeners:
                self._listeners.remove(hear)

    def _tell(self, message: ConsoleMessage) -> None:
        with self._lock:
            if isinstance(message, Gone):
                self._gone, self._pulse = message, None
            elif isinstance(message, Pulse):
                frame = message.frame or (self._pulse.frame if self._pulse else b"")
                self._pulse = replace(message, frame=frame)
            elif isinstance(message, Back):
                self._gone, self._events = None, list(message.events)
            elif isinstance(message, Event):
                self._events.append(message)
            for hear in list(self._listeners):
                self._tell_one(hear, message)

    def _tell_one(self, hear: Hear, message: ConsoleMessage) -> None:
        try:
            hear(message)
        except Exception:  # noqa: BLE001  # a broken screen must not break the connection
            self._forget(hear)

    def _send(self, number: int, wish: Wish, data: bytes, reply: "Future[Any]") -> None:
        if self._writer is None or self._past is not None:
            settle(reply, error=InputError(_AWAY))
            return
        self._wishes[number] = (wish, reply)
        self._writer.write(data)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._attend())
        finally:
            self._loop.close()

    async def _attend(self) -> None:
        """Stay connected until stopped or refused."""
        following = asyncio.ensure_future(self._keep())
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (following, stopping):
            task.cancel()
        await asyncio.gather(following, stopping, return_exceptions=True)

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        # Looked at too, since `wait_for` can swallow a cancellation that comes with what it waits for.
        while not self._stop.is_set():
            try:
                await self._run_connection()
                reason = "The agent has closed the connection."
            except _RefusedError as refused:
                self._tell(Gone(str(refused), ended=True))
                return
            except _LOST as error:
                reason = _describe_failure(error, self._place)
            if self._lose(reason):
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause)

    def _lose(self, reason: str) -> bool:
        """The connection is gone; whether it had sent its past."""
        was_complete = self._past is None
        self._past, self._writer = [], None
        for _, reply in self._wishes.values():
            settle(reply, error=InputError(_AWAY))
        self._wishes.clear()
        if was_complete or (self._gone is not None and self._gone.reason != reason):
            self._tell(Gone(reason))
        return was_complete

    async def _run_connection(self) -> None:
        """Listen to one connection until its end. Raises what ends it."""
        reader, writer = await asyncio.wait_for(self._open(), _CONNECT)
        try:
            token = self._place.token if isinstance(self._place, Remote) else ""
            writer.write(codec.line({"hello": codec.PROTOCOL, **({"token": token} if token else {})}))
            self._writer, self._past = writer, []
            while data := await asyncio.wait_for(reader.readline(), _QUIET):
                if self._stop.is_set() or not data.endswith(b"\n"):
                    return
                self._take(codec.parse(data))
        finally:
            writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._place, Local):
            return await asyncio.open_unix_connection(str(self._place.path), limit=codec.LONGEST_NEWS)
        return await asyncio.open_connection(
            self._place.host, self._place.port, ssl=self._place.tls, limit=codec.LONGEST_NEWS
        )

    def _take(self, message: Json) -> None:
        """Process one message. Raises InputError when it is none."""
        if "event" in message:
            event = from_line(codec.line(message).decode())
            if event is not None:
                self._tell(event)
        elif "past" in message and self._past is not None:
            self._past += filter(None, map(from_line, message["past"]))
        elif "back" in message and self._past is not None:
            past, self._past = self._past, None
            self._tell(Back(tuple(past)))
        elif "reply" in message:
            self._hear_reply(message)
        elif "refused" in message:
            raise _RefusedError(str(message["refused"]))
        else:
            news = codec.read_news(message)
            if isinstance(news, Gone):
                raise ConnectionError(news.reason)  # another may begin at the same place
            if news is not None:
                self._tell(news)

    def _hear_reply(self, message: Json) -> None:
        waiting = self._wishes.pop(message["reply"], None)
        if waiting is None:
            return
        wish, reply = waiting
        try:
            settle(reply, codec.read_reply(message, wish))
        except RoomwiseError as error:
            settle(reply, error=error)


def _describe_failure(error: BaseException, place: Place) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"No agent runs at {place.shown}. Start one: roomwise run --headless"
    if isinstance(error, asyncio.TimeoutError):
        return f"The agent at {place.shown} does not answer."
    return f"The agent at {place.shown} cannot be reached: {error}"
