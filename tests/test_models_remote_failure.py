import json
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.text import strip_controls
from models.remote.failure import refusal_error, retry_after, silence_message

TOKEN = 'swordfish-"0123456789'
REQUEST = httpx.Request("POST", "https://h/v1/answers", content=b"frame" * 1000)
_TOKENS = st.text([chr(code) for code in range(32, 127)], min_size=5, max_size=60).map("sF-{}$".format)


def _said(status: int, body: Any = "", token: str = TOKEN, **headers: str) -> str:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    return str(
        refusal_error(
            httpx.Response(status, content=text, headers=headers, request=REQUEST), "https://h", token
        )
    )


@pytest.mark.parametrize(
    ("status", "token", "message"),
    [
        (401, TOKEN, "does not accept the token. Set the right one in ROOMWISE_EXPERT__TOKEN."),
        (401, "", "wants a token. Set it in ROOMWISE_EXPERT__TOKEN."),
        (403, TOKEN, "does not accept the token. Set the right one in ROOMWISE_EXPERT__TOKEN."),
        (404, "", "has nothing at /v1/answers: why not. Is expert.model the right address?"),
        (413, "", "finds a frame of 5,000 bytes too large. Use smaller pictures, or raise its limit."),
        (429, "", "is asked too often. Wait a little, or set expert.extra lower."),
        (422, "", "refuses this (422: why not). Change the question, the frame or the [expert] settings."),
        (500, "", "cannot answer now (500: why not). Try again later, or look into its log."),
        (301, "", "has moved (301). Set expert.model to where it is now."),
    ],
)
def test_each_refusal_names_its_remedy(status: int, token: str, message: str) -> None:
    said = _said(status, {"error": {"message": "why not.", "type": "x"}}, token)
    assert said == f"The expert at https://h {message}"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "why\x1b[31m\nnot."}},
        {"error": "why[31m not"},
        {"message": "why[31m not"},
        {"detail": "why[31m not"},
        "why[31m  not.\r\n",
        b"\xffwhy[31m not".replace(b"\xff", b""),
    ],
)
def test_the_servers_own_reason_is_found(body: Any) -> None:
    assert "(400: why[31m not)." in _said(400, body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        b"\xff\xfe",
        "[" * 100_000,
        "1" * 5000,
        "null",
        {"error": None},
        {"error": {"message": [1]}},
        "x" * 9999,
    ],
)
def test_reasons_that_are_none_do_no_harm(body: Any) -> None:
    said = _said(400, body)
    assert said.startswith("The expert at https://h refuses this (400")
    assert len(said) < 350


@pytest.mark.parametrize("charset", ["zlib", "hex", "nonsense", "utf-16"])
def test_the_encoding_that_a_reason_claims_is_not_believed(charset: str) -> None:
    said = _said(400, "why not", **{"Content-Type": f"text/plain; charset={charset}"})
    assert "(400: why not)" in said


@given(_TOKENS, st.sampled_from([400, 404, 422, 500, 401, 413, 429]), st.integers(0, 210), st.booleans())
@example('sF-"""""', 400, 0, True)
@example("sF-a   b   c", 400, 0, False)
def test_no_reason_repeats_the_token(token: str, status: int, before: int, as_json: bool) -> None:
    echo = "-" * before + " " + token + " "
    broken = "\u200b".join(token)
    for text in (echo, broken):
        said = _said(status, {"error": {"message": text}} if as_json else text, token)
        assert token not in said and strip_controls(token) not in said
        # Nor a good part of it, as when it is cut and then looked for.
        assert token[: max(8, len(token) // 2)] not in said.replace("*", "")


@given(st.text(), st.sampled_from([400, 404, 500]))
def test_every_message_is_one_short_line(text: str, status: int) -> None:
    said = _said(status, {"error": {"message": text}}, token="")
    assert said == strip_controls(said)
    assert len(said) < 350


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": " 0.5 "}, 0.5),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 400}, None),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:04 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            4.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:04 GMT"}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 -0000", "Date": "Wed, 21 Oct 2026 07:28:04 GMT"}, None),
    ],
)
def test_when_to_come_again_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert (
        retry_after(httpx.Headers({name.encode(): value.encode() for name, value in headers.items()}))
        == seconds
    )


@given(st.text(), st.text())
def test_no_header_breaks_it(wanted: str, date: str) -> None:
    headers = httpx.Headers({b"Retry-After": wanted.encode(), b"Date": date.encode()})
    seconds = retry_after(headers)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "headers", "passing"),
    [
        (503, {}, True),
        (502, {}, True),
        (504, {}, True),
        (429, {"Retry-After": "5"}, True),
        (429, {"Retry-After": "6"}, False),
        (500, {}, False),
        (400, {}, False),
    ],
)
def test_what_is_asked_again(status: int, headers: dict[str, str], passing: bool) -> None:
    reply = httpx.Response(status, headers=headers, request=REQUEST)
    assert refusal_error(reply, "https://h", "").passing == passing


def test_a_silent_server_is_tried_again_in_whole_seconds() -> None:
    assert "does not answer; it is tried again in 5 s. Check" in silence_message("https://h", 4.2)
    assert silence_message("https://h", 0, "timed out").endswith("can be reached (timed out).")
