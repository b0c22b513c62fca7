"""Files that declare or lock dependencies: one module per format."""

from __future__ import annotations

from headgate.deps.lockfiles.bun_lock import BunLock
from headgate.deps.lockfiles.cargo import CargoLock, CargoToml
from headgate.deps.lockfiles.composer import ComposerJson, ComposerLock
from headgate.deps.lockfiles.dockerfile import Dockerfile
from headgate.deps.lockfiles.gemfile_lock import GemfileLock
from headgate.deps.lockfiles.github_actions import GithubActions
from headgate.deps.lockfiles.go_mod import GoMod, GoSum
from headgate.deps.lockfiles.gradle_lockfile import GradleLockfile
from headgate.deps.lockfiles.interface import Manifest
from headgate.deps.lockfiles.maven import Pom
from headgate.deps.lockfiles.nuget import NugetProject, PackagesLock
from headgate.deps.lockfiles.package_json import PackageJson
from headgate.deps.lockfiles.package_lock import PackageLock
from headgate.deps.lockfiles.pdm_lock import PdmLock
from headgate.deps.lockfiles.pipfile import Pipfile, PipfileLock
from headgate.deps.lockfiles.pnpm_lock import PnpmLock
from headgate.deps.lockfiles.poetry_lock import PoetryLock
from headgate.deps.lockfiles.pre_commit import PreCommit
from headgate.deps.lockfiles.pylock import Pylock
from headgate.deps.lockfiles.pyproject import Pyproject
from headgate.deps.lockfiles.requirements_txt import RequirementsTxt
from headgate.deps.lockfiles.uv_lock import UvLock
from headgate.deps.lockfiles.yarn_lock import YarnLock
from headgate.deps.manifests import may_declare

MANIFESTS: tuple[Manifest, ...] = (
    RequirementsTxt(),
    Pyproject(),
    PoetryLock(),
    UvLock(),
    PdmLock(),
    Pipfile(),
    PipfileLock(),
    Pylock(),
    PackageJson(),
    PackageLock(),
    YarnLock(),
    PnpmLock(),
    BunLock(),
    GoMod(),
    GoSum(),
    CargoToml(),
    CargoLock(),
    Pom(),
    GradleLockfile(),
    GemfileLock(),
    ComposerJson(),
    ComposerLock(),
    NugetProject(),
    PackagesLock(),
    GithubActions(),
    Dockerfile(),
    PreCommit(),
)


def manifest_for(path: str) -> Manifest | None:
    """The reader of the file at a path, told by its name; None when it declares nothing."""
    if not may_declare(path):
        return None
    return next((manifest for manifest in MANIFESTS if manifest.wants(path)), None)
