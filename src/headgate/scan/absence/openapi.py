"""Routes that a description in OpenAPI names: connexion calls what `operationId` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from headgate.scan.late import late

MAX_BYTES = 2 << 20
_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_FIRST = late(rb"operationId")


def operations(documents: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """The dotted name of the function, the path and the method of every operation in documents
    (path → content). What is no OpenAPI description, or cannot be read, has none."""
    for _, data in sorted(documents.items()):
        if len(data) > MAX_BYTES or not _FIRST.search(data):
            continue
        document = _read(data)
        if isinstance(document, dict):
            yield from _of(cast("dict[Any, Any]", document))


def _read(data: bytes) -> Any:
    """None for what cannot be read, or has aliases, which may be without an end."""
    import yaml

    try:
        text = data.decode("utf-8")
        for event in cast("Any", yaml).parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                return None
        return yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


def _of(document: dict[Any, Any]) -> Iterator[tuple[str, str, str]]:
    paths = document.get("paths")
    if not isinstance(paths, dict):
        return
    for path, operations_ in cast("dict[Any, Any]", paths).items():
        if not isinstance(operations_, dict):
            continue
        for method, operation in cast("dict[Any, Any]", operations_).items():
            if str(method) not in _METHODS or not isinstance(operation, dict):
                continue
            inner = cast("dict[Any, Any]", operation)
            name = inner.get("operationId")
            controller = inner.get("x-openapi-router-controller")
            if isinstance(name, str):
                full = f"{controller}.{name}" if isinstance(controller, str) else name
                yield full, str(path), str(method).upper()
