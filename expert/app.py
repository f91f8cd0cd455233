"""The application: its routes, what they take and give, and what is said when something is wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from fastapi import FastAPI, File, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse

from core.errors import RoomwiseError
from expert import chat
from expert.asking import AskForm, RequestLimits, checked, read_ask
from expert.asking import QuestionBatch as Asked
from expert.desk import Answers, Desk
from expert.door import AccessRules, Door
from expert.metrics import ServerMetrics
from expert.problems import problem, problem_of
from expert.served import Served
from models.remote.wire import MEDIA_TYPE, pack, sizes

SERVICE = "roomwise-expert"
_GONE = 499
"""Who asked has left; nobody reads it."""
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Office:
    """What the routes work with."""

    desk: Desk
    served: Served
    limits: RequestLimits
    meters: ServerMetrics


def application(office: Office, house: AccessRules) -> FastAPI:
    """The routes behind their door. There are no others: no files, no code, no settings over the network."""
    app = FastAPI(title="Roomwise expert", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RoomwiseError, _foreseen)
    app.add_exception_handler(Exception, _unforeseen)
    _add_answers(app, office)
    _add_chat(app, office)
    _add_state(app, office)
    app.add_middleware(Door, house=house, meters=office.meters)
    return app


def _add_answers(app: FastAPI, office: Office) -> None:
    @app.post("/v1/answers", response_class=Response, responses=_BODY)
    async def answers(
        request: Request,
        frame: Annotated[UploadFile, File(description="A JPEG.")],
        ask: Annotated[str, Form(max_length=64_000, description=_ASK)],
    ) -> Response:
        """Questions about one frame, answered, with the signals that were asked for."""
        wanted = read_ask(ask)
        data = await frame.read()
        said = await _answered(request, office, await _checked(office, data, wanted))
        if said is None:
            return Response(status_code=_GONE)
        body = pack(office.served.name, said, wanted.signals)
        for part, size in sizes(body).items():
            office.meters.sent.labels(part).inc(size)
        return Response(body, media_type=MEDIA_TYPE)


def _add_chat(app: FastAPI, office: Office) -> None:
    @app.post("/v1/chat/completions")
    async def completions(request: Request, body: chat.Chat) -> Response:
        """One question about one picture, as OpenAI's clients put it."""
        data, question = chat.asked(body)
        asked = await _checked(office, data, AskForm(questions=[question], signals=[]))
        if body.stream:
            return StreamingResponse(_streamed(office, asked), media_type="text/event-stream")
        said = await _answered(request, office, asked)
        if said is None:
            return Response(status_code=_GONE)
        answer = said[0].reply.answer
        pieces = office.served.pieces(answer)
        return JSONResponse(chat.completion(office.served.name, answer, pieces, body.logprobs))

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The one model there is."""
        return {
            "object": "list",
            "data": [{"id": office.served.name, "object": "model", "owned_by": SERVICE}],
        }


def _add_state(app: FastAPI, office: Office) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """That it is there, and what it is."""
        served = office.served
        return {
            "status": "ok", "service": SERVICE, "model": served.name, "looks": served.looks,
            "signals": list(served.signals), "distillation": served.distillation,
            "transfer": served.transfer,
        }  # fmt: skip

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters, as Prometheus reads them."""
        office.meters.waiting.set(office.desk.waiting)
        return Response(office.meters.text(), media_type=_PROMETHEUS)


_ASK = 'JSON: {"questions": ["..."], "signals": ["attention", "logprobs", "focus", "code"], "transfer": ""}'
_BODY: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


async def _checked(office: Office, data: bytes, ask: AskForm) -> Asked:
    """Decoding a picture takes a while: beside the loop that all clients share."""
    office.served.check(ask)
    return await anyio.to_thread.run_sync(partial(checked, data, ask, office.limits))


async def _answered(request: Request, office: Office, asked: Asked) -> Answers | None:
    """The answers, or None when who asked left before; then the question is taken out of the queue."""
    future = office.desk.put(asked)
    answered: asyncio.Future[Any] = asyncio.wrap_future(future)
    gone: asyncio.Future[Any] = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
        return list(answered.result()) if answered.done() else None
    finally:
        future.cancel()
        gone.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _streamed(office: Office, asked: Asked) -> AsyncIterator[bytes]:
    """Events of a streamed answer. A fault on the way is an event too: the status has been sent by then."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def hear(piece: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be gone with the server
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

    about = chat.opening(office.served.name)
    future: Future[Answers] | None = None
    try:
        future = office.desk.put(asked.heard_by(hear))
        future.add_done_callback(lambda _: hear(None))
        while (piece := await pieces.get()) is not None:
            yield chat.chunk(about, piece)
        future.result(0)
        yield chat.chunk(about, "", last=True)
    except RoomwiseError as error:
        yield b"data: " + bytes(problem_of(error).body) + b"\n\n"
    finally:
        if future is not None:
            future.cancel()
    yield chat.DONE


async def _malformed(request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
    place = ".".join(str(part) for part in first["loc"][1:])
    return problem(422, "request", f"The request is wrong at {place or 'its body'}: {first['msg']}.")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, "request", str(error.detail), error.headers)


async def _foreseen(request: Request, error: Exception) -> Response:
    return problem_of(error)


async def _unforeseen(request: Request, error: Exception) -> Response:
    return problem_of(error)
