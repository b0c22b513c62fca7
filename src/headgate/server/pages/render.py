"""Templates and answers: a view becomes a page, a fragment of one, or JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from headgate.server.auth.identity import csrf_token, principal_or_none
from headgate.server.pages.ansi import to_html
from headgate.server.views.text import View

STATIC = Path(__file__).parent.parent / "static"

_SECTIONS = (
    "/changes",
    "/pipelines",
    "/findings",
    "/projects",
    "/packages",
    "/events",
    "/principals",
)


def page(
    request: Request, template: str, view: View, *, status: int = 200, data: str = ""
) -> Response:
    """The view as a whole page; `data` is the path of its JSON, if it has any."""
    path = request.url.path
    active = next((s for s in _SECTIONS if path.startswith(s)), "")
    if path == "/rules":
        active = "/findings"
    if path == "/" or path.startswith("/queues"):
        active = "/"
    html = (
        environment()
        .get_template(template)
        .render(
            **view,
            viewer=principal_or_none(request),
            csrf=csrf_token(request),
            active=active,
            json_address=_with_query(data, request) if data else "",
            address=_Address(request),
        )
    )
    return HTMLResponse(_bytes(html), status)


def fragment(template: str, view: View) -> str:
    """The view as a piece of a page, for a live update."""
    return environment().get_template(template).render(**view)


def json_answer(view: View) -> Response:
    """The view as JSON."""
    # ASCII only: a lone surrogate from a repository must not keep the answer from being sent.
    text = json.dumps(view, ensure_ascii=True, separators=(",", ":"), default=str)
    return Response(text.encode("ascii"), media_type="application/json")


def _bytes(html: str) -> bytes:
    return html.encode("utf-8", "backslashreplace")


def _with_query(path: str, request: Request) -> str:
    query = request.url.query
    return path + (f"?{query}" if query else "")


class _Address:
    """The address of the present page with other query parameters; None removes one."""

    def __init__(self, request: Request) -> None:
        self._path = request.url.path
        self._query = {k: v for k, v in request.query_params.items() if v}

    def __call__(self, **changed: object) -> str:
        query = {**self._query, **{k: str(v) for k, v in changed.items() if v is not None}}
        for key, value in changed.items():
            if value is None:
                query.pop(key, None)
        return self._path + (f"?{urlencode(query)}" if query else "")


@cache
def environment() -> Environment:
    """The templates, compiled once."""
    env = Environment(
        loader=PackageLoader("headgate.server", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., object]] = {
        "iso": iso,
        "moment": moment,
        "ago": ago,
        "duration": duration,
        "size": size,
        "pretty": pretty,
        "brief": brief,
        "log": _log,
    }
    # Jinja leaves the types of its two tables open.
    cast("dict[str, object]", env.filters).update(filters)  # pyright: ignore[reportUnknownMemberType]
    cast("dict[str, object]", env.globals).update(  # pyright: ignore[reportUnknownMemberType]
        static=static, version=version("headgate")
    )
    return env


def _log(text: str) -> Markup:
    return Markup(to_html(text))  # to_html escapes


@cache
def static(name: str) -> str:
    """The address of a static file; it changes with the content, so it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def iso(seconds: float) -> str:
    """A time as `datetime` attribute."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def moment(seconds: float) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(seconds: float) -> str:
    """A time as it stands before a script makes it relative."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """A length of time, short: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    return f"{hours // 24} days"


def size(number: float) -> str:
    """Bytes, short: `12 B`, `3.4 KB`, `120 MB`."""
    unit = "B"
    for larger in ("KB", "MB", "GB"):
        if number < 999.5:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if unit != "B" and number < 10 else f"{number:.0f} {unit}"


def pretty(value: Any) -> str:
    """JSON over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def brief(value: Mapping[str, object]) -> str:
    """JSON on part of a line."""
    text = ", ".join(f"{k} {_short(v)}" for k, v in value.items())
    return text if len(text) <= 140 else text[:139] + "…"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    digest = len(text) >= 40 and all(c in "0123456789abcdef" for c in text)
    return text[:10] if digest else text
