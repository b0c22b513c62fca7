"""The check of the dependencies that a change adds."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from headgate.deps.compare import Files, added, is_manifest, read_files
from headgate.deps.evidence import Advisories, Sources
from headgate.deps.index.interface import PackageIndex
from headgate.deps.judge import judge
from headgate.deps.lockfiles.interface import Include, Parsed, Problem
from headgate.deps.policy.standing import Granted, Place
from headgate.deps.policy.tighten import tightened
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.finding import CheckResult, Span
from headgate.model.ids import Commit
from headgate.model.origin import Origin, OriginKind
from headgate.model.patterns import matches
from headgate.vcs.repository import Repository, TreeEntry

LARGEST = 4 << 20
"""Bytes of the largest manifest that is read."""

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
    before = await _files(repo, base, exclude)
    after = await _files(repo, head, exclude)
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


async def _files(repo: Repository, commit: Commit, exclude: Sequence[str]) -> Files:
    """What a commit's manifests say, with the files that they include."""
    entries = {entry.path: entry for entry in await repo.files(commit)}
    wanted = [p for p in entries if is_manifest(p) and not matches(p, exclude)]
    contents: dict[str, bytes] = {}
    refused: dict[str, Problem] = {}
    files = Files({})
    # Each round brings in what the files of the round before include.
    for _ in range(_DEEPEST):
        await _read(repo, entries, wanted, contents, refused)
        files = read_files(contents)
        wanted = [i.path for i in files.missing if i.path in entries and i.path not in refused]
        if not wanted:
            break
    else:
        refused[""] = Problem("the files include each other too deeply", Span("", 1))
    absent = [_absent(i) for i in files.missing if i.path not in entries]
    problems = [*refused.values(), *absent]
    extra = {f"{p.span.path}\0{p.message}": Parsed(problems=(p,)) for p in problems}
    return Files({**files.parsed, **extra})


async def _read(
    repo: Repository,
    entries: Mapping[str, TreeEntry],
    paths: Sequence[str],
    contents: dict[str, bytes],
    refused: dict[str, Problem],
) -> None:
    found: dict[str, TreeEntry] = {}
    for path in paths:
        entry = await _target(repo, entries, path)
        if entry is None:
            refused[path] = Problem("this is no file of the project", Span(path, 1))
        elif entry.size > LARGEST:
            refused[path] = Problem(
                f"this is larger than {LARGEST >> 20} MB and was not read", Span(path, 1)
            )
        else:
            found[path] = entry
    blobs = await repo.blobs(entry.object for entry in found.values())
    for path, entry in found.items():
        contents[path] = blobs[entry.object]


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


def _absent(include: Include) -> Problem:
    return Problem(f"`{include.path}` is included and not there", include.span)
