"""The application: its routes and error replies."""

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
from expert.asking import AskForm, QuestionBatch, RequestLimits, check_request, read_ask
from expert.desk import Answers, Desk
from expert.door import AccessRules, Door, problem, problem_of
from expert.metrics import ServerMetrics
from expert.served import Served
from models.remote.wire import MEDIA_TYPE, pack, sizes

SERVICE = "roomwise-expert"
_GONE = 499
"""The client has left; nobody reads the reply."""
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class ServerContext:
    desk: Desk
    served: Served
    limits: RequestLimits
    metrics: ServerMetrics


def application(context: ServerContext, rules: AccessRules) -> FastAPI:
    """The routes behind their door. There are no others: no files, no code, no settings over the network."""
    app = FastAPI(title="Roomwise expert", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RoomwiseError, _failed)
    app.add_exception_handler(Exception, _failed)
    _add_answers(app, context)
    _add_chat(app, context)
    _add_state(app, context)
    app.add_middleware(Door, rules=rules, metrics=context.metrics)
    return app


def _add_answers(app: FastAPI, context: ServerContext) -> None:
    @app.post("/v1/answers", response_class=Response, responses=_BODY)
    async def answers(
        request: Request,
        frame: Annotated[UploadFile, File(description="A JPEG.")],
        ask: Annotated[str, Form(max_length=64_000, description=_ASK)],
    ) -> Response:
        """Questions about one frame, answered, with the signals that were asked for."""
        form = read_ask(ask)
        data = await frame.read()
        replies = await _answer(request, context, await _check_request(context, data, form))
        if replies is None:
            return Response(status_code=_GONE)
        body = pack(context.served.name, replies, form.signals)
        for part, size in sizes(body).items():
            context.metrics.sent.labels(part).inc(size)
        return Response(body, media_type=MEDIA_TYPE)


def _add_chat(app: FastAPI, context: ServerContext) -> None:
    @app.post("/v1/chat/completions")
    async def completions(request: Request, body: chat.Chat) -> Response:
        """One question about one picture, as OpenAI's clients put it."""
        data, question = chat.read_chat(body)
        batch = await _check_request(context, data, AskForm(questions=[question], signals=[]))
        if body.stream:
            return StreamingResponse(_stream(context, batch), media_type="text/event-stream")
        replies = await _answer(request, context, batch)
        if replies is None:
            return Response(status_code=_GONE)
        answer = replies[0].reply.answer
        pieces = context.served.pieces(answer)
        return JSONResponse(chat.completion(context.served.name, answer, pieces, body.logprobs))

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The one model there is."""
        return {
            "object": "list",
            "data": [{"id": context.served.name, "object": "model", "owned_by": SERVICE}],
        }


def _add_state(app: FastAPI, context: ServerContext) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """That it is there, and what it is."""
        served = context.served
        return {
            "status": "ok", "service": SERVICE, "model": served.name, "looks": served.looks,
            "signals": list(served.signals), "distillation": served.distillation,
            "transfer": served.transfer,
        }  # fmt: skip

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Counters, as Prometheus reads them."""
        context.metrics.waiting.set(context.desk.waiting)
        return Response(context.metrics.text(), media_type=_PROMETHEUS)


_ASK = 'JSON: {"questions": ["..."], "signals": ["attention", "logprobs", "focus", "code"], "transfer": ""}'
_BODY: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


async def _check_request(context: ServerContext, data: bytes, ask: AskForm) -> QuestionBatch:
    """Decodes the picture beside the loop that all clients share."""
    context.served.check(ask)
    return await anyio.to_thread.run_sync(partial(check_request, data, ask, context.limits))


async def _answer(request: Request, context: ServerContext, batch: QuestionBatch) -> Answers | None:
    """The answers, or None when the client left first; its questions then leave the queue."""
    future = context.desk.put(batch)
    answered: asyncio.Future[Any] = asyncio.wrap_future(future)
    disconnected: asyncio.Future[Any] = asyncio.ensure_future(_wait_for_disconnect(request))
    try:
        await asyncio.wait((answered, disconnected), return_when=asyncio.FIRST_COMPLETED)
        return list(answered.result()) if answered.done() else None
    finally:
        future.cancel()
        disconnected.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _stream(context: ServerContext, batch: QuestionBatch) -> AsyncIterator[bytes]:
    """Events of a streamed answer. A fault on the way is an event too, as the status has been sent."""
    loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def push(piece: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be gone with the server
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

    head = chat.opening(context.served.name)
    future: Future[Answers] | None = None
    try:
        future = context.desk.put(batch.heard_by(push))
        future.add_done_callback(lambda _: push(None))
        while (piece := await pieces.get()) is not None:
            yield chat.chunk(head, piece)
        future.result(0)
        yield chat.chunk(head, "", last=True)
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


async def _failed(request: Request, error: Exception) -> Response:
    return problem_of(error)
