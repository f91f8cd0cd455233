"""Lets dashboards attach to a session, over a local socket or by an address with a token.

It runs on one thread beside the session. No dashboard can hold the session up: a slow one misses pulses,
and is cut off beyond a limit.
"""

import asyncio
import concurrent.futures as futures
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any

from agent.attach.codec import LONGEST_WISH, PROTOCOL, line, news_message, parse, read_wish, reply_message
from agent.attach.place import Local, Place
from agent.console import Back, Console, ConsoleMessage, Pulse
from core.errors import InputError, StorageError
from core.event_lines import to_line
from core.events import Event
from core.files import make_folder, storage_errors
from core.lock import FolderLock, lock_folder

MOST_CLIENTS = 16
"""Attached dashboards at once."""
MOST_STRANGERS = 64
"""Connections that have not said who they are; one more, and the oldest is cut off."""
MOST_WAITING = 64
"""Pending wishes of one dashboard."""
_BEHIND = 1024 * 1024
"""Unsent bytes beyond which pulses are left out,"""
_TOO_FAR_BEHIND = 64 * 1024 * 1024
"""and beyond which the dashboard is cut off."""
_STUCK = 20.0  # seconds that it may be so far behind
_HELLO = 5.0  # seconds in which it must say who it is
_WRONG_TOKEN = 0.5  # seconds until that is said, so that guessing takes its time
_PIECE = 500  # events told at once


class AttachServer:
    """A context manager: doors are open inside. Whoever comes by an address must show the `token`."""

    def __init__(self, console: Console, doors: Sequence[Place], token: str = "") -> None:
        self._console, self._doors, self._token = console, doors, token
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="attach", daemon=True)
        self._servers: list[asyncio.AbstractServer] = []
        self._clients: set[_Client] = set()
        self._strangers: dict[_Client, None] = {}  # in the order they came
        self._locks: list[FolderLock] = []
        self._sockets: list[Local] = []

    def __enter__(self) -> "AttachServer":
        """Raises StorageError when another agent listens there, or an address is taken."""
        self._thread.start()
        try:
            for door in self._doors:
                self._servers.append(self._wait(self._open(door)))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """May be called again."""
        if not self._loop.is_closed():
            with suppress(futures.TimeoutError):
                self._wait(self._shut())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        for place in self._sockets:
            place.path.unlink(missing_ok=True)
        for lock in self._locks:
            lock.release()

    @property
    def ports(self) -> list[int]:
        """The TCP ports that are listened on."""
        bound = [
            listener.getsockname() for server in self._servers for listener in getattr(server, "sockets", ())
        ]
        return [name[1] for name in bound if isinstance(name, tuple)]

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _open(self, door: Place) -> asyncio.AbstractServer:
        if isinstance(door, Local):
            bound = self._bind_local(door)
            return await asyncio.start_unix_server(self._serve, sock=bound, limit=LONGEST_WISH)
        try:
            return await asyncio.start_server(
                self._serve_remote, door.host, door.port, ssl=door.tls, limit=LONGEST_WISH,
                ssl_handshake_timeout=_HELLO if door.tls else None,
            )  # fmt: skip
        except OSError as error:
            raise StorageError(
                f"Nobody can attach at {door.shown} ({error.strerror}). Choose another --port or --host."
            ) from error

    def _bind_local(self, door: Local) -> socket.socket:
        """A socket that only its user may open; a killed agent's is replaced, since its lock is gone."""
        folder = door.path.parent
        with storage_errors("make", folder):
            make_folder(folder)
        self._locks.append(lock_folder(folder))
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with storage_errors("make", door.path):
                door.path.unlink(missing_ok=True)
                bound.bind(str(door.path))
                door.path.chmod(0o600)  # nobody is let in before somebody listens
        except StorageError:
            bound.close()
            raise
        self._sockets.append(door)
        return bound

    async def _serve_remote(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, self._token)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str | None = None
    ) -> None:
        """Serve one dashboard. `token`: what it must show, None for nothing."""
        client = _Client(self._console, writer, self._loop)
        self._strangers[client] = None
        if len(self._strangers) > MOST_STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]  # at once: its end takes a moment, in which more may come
            oldest.cut_off()
        try:
            refusal = await _refusal(reader, token)
            if not refusal and len(self._clients) >= MOST_CLIENTS:
                refusal = f"{MOST_CLIENTS} dashboards are attached already. Close one."
            if refusal:
                client.send(line({"refused": refusal}))
                return
            self._strangers.pop(client, None)
            self._clients.add(client)
            client.begin()
            while wish := await reader.readline():
                client.take(wish)
        except (InputError, ValueError, OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass  # what cannot be understood is not answered
        finally:
            self._strangers.pop(client, None)
            self._clients.discard(client)
            await client.end()

    async def _shut(self) -> None:
        for server in self._servers:
            server.close()
        await asyncio.gather(*(client.end() for client in (*self._clients, *self._strangers)))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _refusal(reader: asyncio.StreamReader, token: str | None) -> str:
    """Why a dashboard is refused, by its first message; "" if it is not. Raises InputError."""
    hello = parse(await asyncio.wait_for(reader.readline(), _HELLO))
    if token is not None and not _matches(token, hello.get("token")):
        await asyncio.sleep(_WRONG_TOKEN)
        return "The token is missing or wrong. Set ROOMWISE_ATTACH__TOKEN to that of the agent."
    if hello.get("hello") != PROTOCOL:
        return "The agent speaks another version of this protocol. Install the same version of Roomwise."
    return ""


def _matches(token: str, candidate: object) -> bool:
    """Compared in constant time; an empty token lets nobody in."""
    if not token or not isinstance(candidate, str):
        return False
    digests = (hashlib.sha256(text.encode(errors="replace")).digest() for text in (token, candidate))
    return hmac.compare_digest(*digests)


class _Client:
    """An attached dashboard. On the loop's thread, except what the session calls."""

    def __init__(
        self, console: Console, writer: asyncio.StreamWriter, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._console, self._writer, self._loop = console, writer, loop
        self._detach: Callable[[], None] = lambda: None
        self._pending: set[Future[Any]] = set()
        self._missed = b""  # the newest frame that was left out
        self._behind: float | None = None  # since when much waits to be taken

    def begin(self) -> None:
        self._detach = self._console.listen(lambda heard: self._later(self._tell, heard))

    def take(self, data: bytes) -> None:
        """Fulfil a wish. Raises InputError when it is none."""
        if not data.endswith(b"\n"):
            raise InputError("The line was cut off. Send it again.")
        number, wish = read_wish(parse(data))
        if len(self._pending) >= MOST_WAITING:
            error = InputError("Too much is asked at once. Wait for the answers.")
            self.send(line(reply_message(number, error=error)))
            return
        future = self._console.put(wish)
        self._pending.add(future)
        future.add_done_callback(lambda done: self._later(self._reply, number, done))

    def send(self, data: bytes) -> None:
        """Send a line, or cut off a client that is too far behind."""
        if self._writer.is_closing():
            return
        self._writer.write(data)
        if self._unsent() > _TOO_FAR_BEHIND or self._is_stuck():
            self.cut_off()

    def cut_off(self) -> None:
        self._writer.transport.abort()

    async def end(self) -> None:
        """Send nothing more; what was sent last is still delivered, if it is taken at once."""
        self._detach()
        for future in self._pending:
            future.cancel()
        with suppress(OSError, asyncio.TimeoutError, ssl.SSLError):
            self._writer.close()
            await asyncio.wait_for(self._writer.wait_closed(), 1.0)
        self.cut_off()

    def _later(self, do: Callable[..., None], *values: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(do, *values)

    def _tell(self, message: ConsoleMessage) -> None:
        if isinstance(message, Back):
            events = list(message.events)
            for first in range(0, len(events), _PIECE):
                self.send(line({"past": [to_line(event) for event in events[first : first + _PIECE]]}))
            self.send(line({"back": True}))
        elif isinstance(message, Event):
            self.send(to_line(message).encode(errors="replace") + b"\n")
        elif isinstance(message, Pulse):
            self._pulse(message)
        else:
            self.send(line(news_message(message)))

    def _pulse(self, pulse: Pulse) -> None:
        """A client that is behind misses pulses, but gets the newest frame later."""
        frame = pulse.frame or self._missed
        if self._unsent() > _BEHIND:
            self._missed = frame
            if self._is_stuck():
                self._writer.transport.abort()
            return
        self._missed = b""
        self.send(line(news_message(replace(pulse, frame=frame))))

    def _reply(self, number: int, future: "Future[Any]") -> None:
        self._pending.discard(future)
        if not future.cancelled():
            error = future.exception()
            value = None if error else future.result()
            self.send(line(reply_message(number, value, error)))

    def _unsent(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def _is_stuck(self) -> bool:
        """Whether much has been unsent for long."""
        now = self._loop.time()
        if self._unsent() <= _BEHIND:
            self._behind = None
        elif self._behind is None:
            self._behind = now
        return self._behind is not None and now - self._behind > _STUCK
