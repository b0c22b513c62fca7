"""Files that jobs made, sent so that no browser opens them as pages of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from headgate.server.views.artifacts import open_artifact

CHUNK = 256 * 1024

_MARK = b"/artifacts/"


def download(request: Request, directory: Path) -> Response:
    """The artifact that the address names behind `/artifacts/`. Raises NotFound."""
    path = _path(request)
    file, size = open_artifact(directory, path)
    name = quote(path.rpartition("/")[2].encode("utf-8", "replace"), safe="")
    headers = {
        "content-length": str(size),
        "content-disposition": f"attachment; filename*=UTF-8''{name}",
        "x-content-type-options": "nosniff",
    }
    media = "application/octet-stream"
    if request.method == "HEAD":
        file.close()
        return Response(headers=headers, media_type=media)
    return StreamingResponse(_chunks(file, size), headers=headers, media_type=media)


def _path(request: Request) -> str:
    """From the bytes of the address: decoded, a name that is not UTF-8 would be lost."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return os.fsdecode(unquote_to_bytes(raw.partition(b"?")[0].partition(_MARK)[2]))


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    with file:
        while size > 0 and (data := file.read(min(CHUNK, size))):
            size -= len(data)
            yield data
