"""Errors as answers: JSON for programs, a line for git, a page or a redirect for people."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from headgate.model.errors import HeadgateError, NotFound, NotSignedIn

ErrorPage = Callable[[Request, HeadgateError], Response]
"""Renders an error for a person."""

PAGE_KEY = "headgate.error_page"


def error_object(error: HeadgateError) -> dict[str, Any]:
    """The one error object of the API: `{"error": sentence, "remedy": sentence}`."""
    return {"error": error.message, "remedy": error.remedy}


def wants_json(request: Request) -> bool:
    """Whether the asker is a program."""
    path = request.url.path
    if path.startswith("/api/"):
        return not is_form(request)
    return path.endswith(".json") or "application/json" in request.headers.get("accept", "")


def is_form(request: Request) -> bool:
    """Whether the body is a form that a page posted."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data")


def answer(request: Request, error: HeadgateError) -> Response:
    """What to say to whoever asked."""
    headers: dict[str, str] = {}
    if isinstance(error, NotSignedIn):
        retry = getattr(error, "retry_after", None)
        if retry is not None:
            headers["retry-after"] = str(retry)
        elif error.status == 401:
            basic = request.url.path.startswith("/git/")
            headers["www-authenticate"] = 'Basic realm="Headgate"' if basic else "Bearer"
    if request.url.path.startswith("/git/"):
        return PlainTextResponse(f"{error}\n", error.status, headers)
    if wants_json(request):
        return JSONResponse(error_object(error), error.status, headers)
    if isinstance(error, NotSignedIn) and error.status == 401:
        return _to_signin(request)
    page: ErrorPage = request.scope.get(PAGE_KEY) or plain_page
    response = page(request, error)
    response.status_code = error.status
    if "retry-after" in headers:
        response.headers["retry-after"] = headers["retry-after"]
    return response


def not_found(request: Request) -> HeadgateError:
    """For an address that leads nowhere."""
    return NotFound(f"There is nothing at {request.url.path}.", "Check the address.")


def _to_signin(request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET":
        path = "/"  # what was posted is not posted again
    target = f"/signin?next={quote(path, safe='')}"
    if request.headers.get("hx-request"):
        # A fragment inside a page: the whole page has to go to the form.
        return Response(status_code=401, headers={"hx-redirect": "/signin"})
    return Response(status_code=303, headers={"location": target})


def plain_page(request: Request, error: HeadgateError) -> Response:
    """An error page without any template, so that it cannot fail itself."""
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Headgate</title>"
        f"<h1>{escape(error.message)}</h1><p>{escape(error.remedy)}</p>"
        '<p><a href="/">Queues</a></p>',
        error.status,
    )
