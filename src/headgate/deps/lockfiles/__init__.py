"""Files that declare dependencies: one module per format."""

from __future__ import annotations

from headgate.deps.lockfiles.interface import Manifest
from headgate.deps.lockfiles.package_json import PackageJson
from headgate.deps.lockfiles.pyproject import Pyproject
from headgate.deps.lockfiles.requirements_txt import RequirementsTxt

MANIFESTS: tuple[Manifest, ...] = (RequirementsTxt(), Pyproject(), PackageJson())


def manifest_for(path: str) -> Manifest | None:
    """The reader of the file at a path, told by its name; None when it declares nothing."""
    return next((manifest for manifest in MANIFESTS if manifest.wants(path)), None)
