"""The check of the dependencies that a change adds."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Iterator, Mapping, Sequence

from headgate.deps.compare import Files, added, everything, read_file
from headgate.deps.evidence import Advisories, Sources
from headgate.deps.gathering import Gathering, no_file
from headgate.deps.index.interface import PackageIndex
from headgate.deps.judge import Judged, judge
from headgate.deps.limits import LARGEST_LOCK
from headgate.deps.policy.standing import Granted, Place
from headgate.deps.policy.tighten import tightened
from headgate.deps.readings import READINGS
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.finding import CheckResult
from headgate.model.ids import Commit
from headgate.model.origin import Origin, OriginKind
from headgate.vcs.repository import Repository, TreeEntry

_DEEPEST = 20


async def examine_dependencies(
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
) -> Judged:
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
        settings={path: parsed.indexes for path, parsed in after.parsed.items()},
        present=everything(after),
    )


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
) -> CheckResult:
    """The same where only the central policy and the indexes count."""
    judged = await examine_dependencies(
        repo,
        base,
        head,
        policy=policy,
        origin=origin,
        agent=agent,
        index=index,
        exclude=exclude,
    )
    return judged.result


def judged_as_agents(origin: Origin) -> bool:
    """Whether what was written so is judged as an agent's: unknown is never human."""
    return origin.kind in (OriginKind.AI, OriginKind.MIXED, OriginKind.UNKNOWN)


async def read_commit(repo: Repository, commit: Commit, exclude: Sequence[str] = ()) -> Files:
    """What a commit's manifests and lockfiles say, with the files that they include.

    What could not be read is a problem in the result. Raises GitError when there is no commit.
    """
    entries = {entry.path: entry for entry in await repo.files(commit)}
    gathering = Gathering(entries, exclude)
    while gathering.wanted:
        await _read(repo, entries, gathering)
        gathering.next()
    return gathering.files()


async def _read(repo: Repository, entries: Mapping[str, TreeEntry], gathering: Gathering) -> None:
    found: dict[str, TreeEntry] = {}
    for path in gathering.wanted:
        entry = await _target(repo, entries, path)
        if entry is None:
            gathering.give(path, no_file(path))
        elif (refused := gathering.refusal(path, entry.size)) is not None:
            gathering.give(path, refused)
        elif known := READINGS.get(path, entry.object):
            gathering.give(path, known)
        else:
            found[path] = entry
    for batch in _batches(found):
        blobs = await repo.blobs(found[path].object for path in batch)
        for path in batch:
            name = found[path].object
            parsed = await asyncio.to_thread(read_file, path, blobs[name])
            READINGS.put(path, name, parsed)
            gathering.give(path, parsed)


def _batches(found: Mapping[str, TreeEntry]) -> Iterator[list[str]]:
    """Paths of files that are held in memory at the same time."""
    batch: list[str] = []
    size = 0
    for path, entry in found.items():
        if batch and size + entry.size > LARGEST_LOCK:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += entry.size
    if batch:
        yield batch


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
