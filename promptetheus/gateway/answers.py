"""Answers in JSON, and how errors look: always `{"detail": "…"}`."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from promptetheus.encoding import jsonable
from promptetheus.gateway.errors import Refused, StoreUnavailable


class Json(Response):
    """JSON, encoded by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        try:
            return orjson.dumps(content)
        except TypeError:
            return orjson.dumps(jsonable(content))


def refusal(status: int, detail: str, retry_after_s: float | None = None) -> Response:
    """An error."""
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (408, 413):  # the rest of the body is not wanted
        headers["Connection"] = "close"
    return JSONResponse({"detail": detail}, status, headers)


async def on_refused(request: Request, error: Exception) -> Response:
    """A request that ends with a status of ours."""
    assert isinstance(error, Refused)
    return refusal(error.status, error.detail, error.retry_after_s)


async def on_unavailable(request: Request, error: Exception) -> Response:
    """The store is away: the client keeps what it has and comes back. What exactly is wrong is for the log."""
    return refusal(503, "the store cannot be used at the moment: try again", 1.0)


async def on_invalid(request: Request, error: Exception) -> Response:
    """A parameter that cannot be read."""
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = next(iter(error.errors()), {})
    where = ".".join(str(part) for part in first.get("loc", ()))
    return refusal(400, f"{where}: {first.get('msg', 'not valid')}")


async def on_http(request: Request, error: Exception) -> Response:
    """What the framework refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    answer = refusal(error.status_code, str(error.detail))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def on_bug(request: Request, error: Exception) -> Response:
    """A mistake of ours: the server logs it, the client learns nothing of it and comes back."""
    return refusal(500, "the gateway made a mistake; its log says which")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    Refused: on_refused,
    StoreUnavailable: on_unavailable,
    RequestValidationError: on_invalid,
    HTTPException: on_http,
    Exception: on_bug,
}
