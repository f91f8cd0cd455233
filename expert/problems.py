"""Errors as a status and a JSON body: {"error": {"message": ..., "type": ...}}."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from core.errors import ImageError, InputError, QuestionError, RoomwiseError
from expert.desk import ExhaustedError, FullError


def problem(status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal in a form that our client and OpenAI's understand."""
    error = {"message": message, "type": kind, "param": None, "code": kind}
    return JSONResponse({"error": error}, status, headers=dict(headers or {}))


def problem_of(error: Exception) -> JSONResponse:
    """The refusal for an error. Unforeseen ones keep their reasons to the log."""
    match error:
        case ImageError():
            return problem(422, "frame", str(error))
        case QuestionError():
            return problem(422, "question", str(error))
        case InputError():
            return problem(422, "request", str(error))
        case FullError():
            return problem(503, "busy", str(error), {"Retry-After": "1"})
        case ExhaustedError():
            return problem(503, "memory", str(error), {"Retry-After": "5"})
        case RoomwiseError():
            return problem(503, "expert", str(error))
        case _:
            return problem(500, "internal", "The expert failed at this question. The server's log says why.")
