"""The check of the dependencies that a change adds."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping, Sequence

from headgate.deps.compare import Files, added, is_manifest, read_file, read_files
from headgate.deps.evidence import Advisories, Sources
from headgate.deps.index.interface import PackageIndex
from headgate.deps.judge import judge
from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import Include, Parsed, Problem, Role
from headgate.deps.policy.standing import Granted, Place
from headgate.deps.policy.tighten import tightened
from headgate.deps.readings import READINGS
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.finding import CheckResult, Span
from headgate.model.ids import Commit
from headgate.model.origin import Origin, OriginKind
from headgate.model.patterns import matches
from headgate.vcs.repository import Repository, TreeEntry

LARGEST = 4 << 20
"""Bytes of the largest file that is read, if it is written by hand."""
LARGEST_LOCK = 32 << 20
"""Bytes of the largest lockfile that is read; real ones of thousands of packages have one or two
million."""

_DEEPEST = 20


async def check_dependencies(
    repo: Repository,
    base: Commit,
    head: Commit,
    *,
    policy: DependencyPolicy,
    origin: Origin,
    agent: bool,
    index: Mapping[str, PackageIndex],
    exclude: Sequence[str] = (),
    project: str = "",
    own: Sequence[DependencyPolicy | None] = (),
    registries: Mapping[str, PackageIndex] | None = None,
    advisories: Advisories | None = None,
    granted: Granted = (),
    now: float | None = None,
) -> CheckResult:
    """The dependencies that `head` declares and `base` did not, judged by the policy.

    `agent` says that an agent pushed the change; what AI wrote, or may have written, is judged as
    strictly. `index` holds, per ecosystem, the index that is asked about packages, `registries`
    the policy's own ones by name. `exclude` are patterns of manifests that nobody installs from,
    such as test data. `own` is what the project's own file adds to the policy, before and after
    the change; `granted` are packages that approvers approved. `now`: seconds since the epoch.
    Raises GitError when the commits cannot be read.
    """
    before = await read_commit(repo, base, exclude)
    after = await read_commit(repo, head, exclude)
    return await judge(
        added(before, after),
        tightened(policy, own),
        Place(project, strict=agent or judged_as_agents(origin)),
        Sources(index, registries or {}, advisories),
        granted=granted,
        now=now,
    )


def judged_as_agents(origin: Origin) -> bool:
    """Whether what was written so is judged as an agent's: unknown is never human."""
    return origin.kind in (OriginKind.AI, OriginKind.MIXED, OriginKind.UNKNOWN)


async def read_commit(repo: Repository, commit: Commit, exclude: Sequence[str] = ()) -> Files:
    """What a commit's manifests and lockfiles say, with the files that they include.

    What could not be read is a problem in the result. Raises GitError when there is no commit.
    """
    entries = {entry.path: entry for entry in await repo.files(commit)}
    wanted = [p for p in entries if is_manifest(p) and not matches(p, exclude)]
    contents: dict[str, bytes | Parsed] = {}
    refused: dict[str, Problem] = {}
    files = Files({})
    # Each round brings in what the files of the round before include.
    for _ in range(_DEEPEST):
        await _read(repo, entries, wanted, contents, refused)
        files = read_files(contents)
        named = {i.path: i for one in files.parsed.values() for i in one.includes}
        wanted = [p for p in named if p in entries and p not in contents and p not in refused]
        if not wanted:
            break
    else:
        refused[""] = Problem("the files include each other too deeply", Span("", 1))
    absent = [absence(i) for i in files.missing if i.path not in entries]
    problems = [*refused.values(), *absent]
    extra = {f"{p.span.path}\0{p.message}": Parsed(problems=(p,)) for p in problems}
    return Files({**files.parsed, **extra})


async def _read(
    repo: Repository,
    entries: Mapping[str, TreeEntry],
    paths: Sequence[str],
    contents: dict[str, bytes | Parsed],
    refused: dict[str, Problem],
) -> None:
    found: dict[str, TreeEntry] = {}
    for path in paths:
        entry = await _target(repo, entries, path)
        if entry is None:
            refused[path] = Problem("this is no file of the project", Span(path, 1))
        elif entry.size > (most := largest(path)):
            refused[path] = too_large(path, most)
        elif known := READINGS.get(path, entry.object):
            contents[path] = known
        else:
            found[path] = entry
    blobs = await repo.blobs(entry.object for entry in found.values())
    for path, entry in found.items():
        parsed = await asyncio.to_thread(read_file, path, blobs[entry.object])
        READINGS.put(path, entry.object, parsed)
        contents[path] = parsed


def largest(path: str) -> int:
    """Bytes of the largest file of this name that is read."""
    manifest = manifest_for(path)
    return LARGEST_LOCK if manifest is not None and manifest.role is Role.LOCK else LARGEST


def too_large(path: str, most: int) -> Problem:
    """What is said of a file above the limit."""
    return Problem(f"this is larger than {most >> 20} MB and was not read", Span(path, 1))


async def _target(
    repo: Repository, entries: Mapping[str, TreeEntry], path: str
) -> TreeEntry | None:
    """The file behind a path, symlinks followed; None when there is none in the tree."""
    for _ in range(_DEEPEST):
        entry = entries.get(path)
        if entry is None or entry.is_file:
            return entry
        if not entry.is_symlink:
            return None
        target = (await repo.blobs([entry.object]))[entry.object]
        name = target.decode("utf-8", "surrogateescape")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    return None


def absence(include: Include) -> Problem:
    """What is said of a file that is included and not there."""
    return Problem(f"`{include.path}` is included and not there", include.span)
