"""Speaks with the server: over the operator's unix socket, or over HTTP with a token."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from headgate.cli.credentials import Credentials, load_credentials
from headgate.model.errors import (
    BadInput,
    Conflict,
    CouldNotRun,
    Denied,
    HeadgateError,
    NotFound,
    NotSignedIn,
)

TIMEOUT = 180.0
"""Seconds; adding a project clones it before the answer comes."""

ERRORS: Mapping[int, type[HeadgateError]] = {
    401: NotSignedIn,
    403: Denied,
    404: NotFound,
    409: Conflict,
    429: NotSignedIn,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and as whom to speak to it."""

    url: str
    """Address of its pages, without a slash at its end."""
    socket: Path | None = None
    """The operator's socket, when that is the way."""
    token: str = ""


def data_directory(environ: Mapping[str, str]) -> Path:
    """`$HEADGATE_DATA`, else `~/.local/share/headgate`."""
    given = environ.get("HEADGATE_DATA")
    return Path(given).expanduser() if given else Path.home() / ".local/share/headgate"


def local_server(data: Path) -> Target | None:
    """The server that runs on a data directory, as its `run/server.json` says."""
    file = data / "run" / "server.json"
    try:
        state = json.loads(file.read_text("utf-8"))
        return Target(str(state["url"]).rstrip("/"), Path(state["operator_socket"]))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise CouldNotRun(
            f"{file} may not be read: the data directory belongs to somebody else.",
            "Run this as its owner, or sign in with `headgate login URL`.",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CouldNotRun(f"{file} cannot be read: {error}.", "Restart the server.") from None


def find_target(environ: Mapping[str, str], *, operator: bool = False) -> Target:
    """Which server to speak to.

    In this order: the operator's socket if `operator`; HEADGATE_URL; the server on HEADGATE_DATA;
    the server that `headgate login` saved; the server on the default data directory.
    Raises CouldNotRun when there is none, NotSignedIn when the token is missing.
    """
    data = data_directory(environ)
    if not operator:
        if environ.get("HEADGATE_URL"):
            return _remote(environ["HEADGATE_URL"], environ)
        if not environ.get("HEADGATE_DATA"):
            credentials = load_credentials(environ)
            if credentials.default:
                return _saved(credentials, credentials.default)
    found = local_server(data)
    if found is None:
        raise CouldNotRun(
            f"No Headgate server runs on {data}.",
            "Start one with `headgate up`, or name one with `headgate login URL`.",
        )
    return found


def _remote(url: str, environ: Mapping[str, str]) -> Target:
    url = checked_url(url)
    token = environ.get("HEADGATE_TOKEN", "")
    if token:
        return Target(url, token=token.strip())
    return _saved(load_credentials(environ), url)


def _saved(credentials: Credentials, url: str) -> Target:
    token = credentials.tokens.get(url)
    if not token:
        raise NotSignedIn(
            f"There is no token for {url}.", f"Set HEADGATE_TOKEN, or run `headgate login {url}`."
        )
    return Target(url, token=token)


def checked_url(url: str) -> str:
    """A server's address as it is compared and saved. Raises BadInput."""
    parts = urlsplit(url.strip())
    try:
        bad = parts.port == 0
    except ValueError:
        bad = True
    if bad or parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise BadInput(
            f"{url!r} is not the address of a server.", "Give one like http://127.0.0.1:8417."
        )
    if parts.username or parts.password:
        raise BadInput(
            "The address holds a user name or password.", "Give the token to `headgate login`."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


class Stream:
    """An answer that is read while it comes; what goes wrong is told as by Client."""

    def __init__(self, response: http.client.HTTPResponse, client: Client) -> None:
        self._response = response
        self._client = client

    def read1(self, most: int) -> bytes:
        """What is there, at most so many bytes; waits when there is nothing; empty at the end."""
        with self._client.reachable():
            return self._response.read1(most)

    def read(self) -> bytes:
        """All of it."""
        with self._client.reachable():
            return self._response.read()

    def lines(self) -> Iterator[bytes]:
        """Line by line, as they come."""
        while True:
            with self._client.reachable():
                line = self._response.readline()
            if not line:
                return
            yield line


class Client:
    """One server, as one principal. Every method raises HeadgateError with the server's words."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def get(self, path: str, query: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The JSON object at a path; query values that are None or empty are left out."""
        given = {key: str(value) for key, value in (query or {}).items() if value not in (None, "")}
        return self._object("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Do something; the answer is an object."""
        given = {key: value for key, value in (body or {}).items() if value is not None}
        return self._object("POST", path, given)

    @contextlib.contextmanager
    def stream(
        self, path: str, *, accept: str = "*/*", timeout: float = TIMEOUT
    ) -> Generator[Stream]:
        """An answer that is read while it comes; `timeout` is the longest silence in seconds."""
        with self._answer("GET", path, None, accept, timeout) as found:
            yield found

    def _object(self, method: str, path: str, body: Mapping[str, object] | None) -> dict[str, Any]:
        with self._answer(method, path, body, "application/json", TIMEOUT) as found:
            return _json(found.read(), self.target.url)

    @contextlib.contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        accept: str,
        timeout: float,
    ) -> Generator[Stream]:
        headers = {"Accept": accept, "User-Agent": "headgate"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if self.target.token:
            headers["Authorization"] = f"Bearer {self.target.token}"
        prefix = "" if self.target.socket else urlsplit(self.target.url).path
        connection = self._connection(timeout)
        try:
            with self.reachable():
                connection.request(method, prefix + path, data, headers)
                response = connection.getresponse()
                if response.status >= 300:
                    raise self._error(response)
            yield Stream(response, self)
        finally:
            connection.close()

    @contextlib.contextmanager
    def reachable(self) -> Generator[None]:
        """Tells trouble with the connection in a sentence; raises CouldNotRun."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.target.socket is not None:
            return _UnixConnection(self.target.socket, timeout)
        parts = urlsplit(self.target.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)

    def _error(self, response: http.client.HTTPResponse) -> HeadgateError:
        raw = response.read(100_000)
        kind = ERRORS.get(response.status, BadInput if response.status < 500 else CouldNotRun)
        try:
            told = cast("dict[str, Any]", json.loads(raw))
            return kind(str(told["error"]), str(told.get("remedy", "")))
        except (ValueError, KeyError, TypeError, AttributeError):
            return CouldNotRun(
                f"{self.target.url} answered with status {response.status} and no reason.",
                "Is this the address of a Headgate server?",
            )

    def _unreachable(self, error: Exception) -> HeadgateError:
        if isinstance(error, TimeoutError):
            return CouldNotRun(f"The server at {self.target.url} does not answer.", "Try again.")
        if self.target.socket is not None and isinstance(
            error, FileNotFoundError | ConnectionRefusedError
        ):
            return CouldNotRun(
                "The Headgate server of this data directory has stopped.",
                "Start it with `headgate up`.",
            )
        why = str(error) or type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            why = error.strerror
        return CouldNotRun(
            f"The server at {self.target.url} cannot be reached: {why}.",
            "Check that it runs, and the address.",
        )


def _json(raw: bytes, url: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CouldNotRun(
            f"{url} answered with something else than JSON.", "Is it a Headgate server?"
        )
    return cast("dict[str, Any]", found)


def segment(text: object) -> str:
    """A name as one part of a path."""
    return quote(str(text), safe="")


def connect() -> Client:
    """The server that this call is about."""
    from headgate.cli.output import current

    return Client(find_target(os.environ, operator=current().operator))
