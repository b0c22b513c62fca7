"""Bills of materials: CycloneDX 1.6 and SPDX 2.3 in JSON, out and in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headgate.deps.inventory import Inventory
from headgate.deps.sbom.cyclonedx import cyclonedx
from headgate.deps.sbom.spdx import spdx
from headgate.deps.sbom.subject import Subject

WRITERS: Mapping[str, Callable[[Inventory, Subject], str]] = {
    "cyclonedx": cyclonedx,
    "spdx": spdx,
}
"""By the name of the format. The same inventory and subject give the same bytes."""

MEDIA_TYPES: Mapping[str, str] = {
    "cyclonedx": "application/vnd.cyclonedx+json; version=1.6",
    "spdx": "application/spdx+json; version=2.3",
}
