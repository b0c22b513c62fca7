"""Records for tests of advisories, as OSV writes them, and exports of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def osv(
    name: str,
    package: str,
    *events: dict[str, str],
    ecosystem: str = "PyPI",
    versions: Sequence[str] = (),
    modified: str = "2026-01-01T00:00:00Z",
    **more: Any,
) -> dict[str, Any]:
    """A record about one package, with one range where there are events."""
    affected: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": package}}
    if events:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
    if versions:
        affected["versions"] = list(versions)
    return {"id": name, "modified": modified, "affected": [affected], **more}


def introduced(version: str = "0") -> dict[str, str]:
    """An event."""
    return {"introduced": version}


def fixed(version: str) -> dict[str, str]:
    """An event."""
    return {"fixed": version}


def heap(place: Path, *records: dict[str, Any]) -> Path:
    """A directory with the records as files."""
    place.mkdir(parents=True, exist_ok=True)
    for one in records:
        (place / f"{one['id']}.json").write_text(json.dumps(one))
    return place


def export(place: Path, ecosystem: str, *records: dict[str, Any], files: bool = True) -> Path:
    """A copy of OSV's export of one ecosystem: a zip, a listing and single files."""
    folder = place / ecosystem
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    lines = sorted((f"{one['modified']},{one['id']}\n" for one in records), reverse=True)
    (folder / "modified_id.csv").write_text("".join(lines))
    for one in records if files else ():
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    known = {path.parent.name for path in place.glob("*/all.zip")}
    (place / "ecosystems.txt").write_text("".join(f"{name}\n" for name in sorted(known)))
    return place
