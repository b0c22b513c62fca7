"""What a push may not bring, and what is taken but worth a remark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from headgate.model.ids import Commit
from headgate.vcs.diff import ChangedFile, parse_raw
from headgate.vcs.git import GitError, decode_path, encode_path, run_git
from headgate.vcs.objects import SUBMODULE_MODE, SYMLINK_MODE
from headgate.vcs.repository import Repository

LARGEST_FILE = 50_000_000
"""Bytes."""

_LONGEST_LINK = 4096
_MOST_LINKS = 40
"""Links that the kernel follows before it gives up."""

_SHOWN = 5


async def inspect_push(
    repository: Repository, head: Commit, *, largest_file: int = LARGEST_FILE
) -> list[str]:
    """Why the objects that `head` brings may not come in, a sentence each; empty: they may.

    Looks at every commit that no ref has yet: files larger than `largest_file` bytes, and
    symlinks that point out of the tree.
    """
    problems = await _large_files(repository, head, largest_file)
    problems += await _links_out(repository, head)
    if len(problems) > _SHOWN:
        problems[_SHOWN:] = [f"There are {len(problems) - _SHOWN} more problems of this kind."]
    return problems


async def remarks(repository: Repository, base: Commit | None, head: Commit) -> list[str]:
    """What is taken but deserves a look: odd names and submodules that `head` adds to `base`."""
    found: list[str] = []
    for file in await repository.changed(base, head):
        if file.status == "D":
            continue
        if file.path != file.old_path or file.status == "A":
            found += _odd_name(file.path)
        if file.new_mode == SUBMODULE_MODE and file.old_mode != SUBMODULE_MODE:
            found.append(await _submodule(repository, head, file.path))
    return found


def shown(path: str) -> str:
    """A path as one line of printable text, quoted when it is not plain."""
    plain = all(c.isprintable() and not "\ud800" <= c <= "\udfff" for c in path)
    if plain and path == path.strip():
        return path
    escaped = encode_path(path).decode("utf-8", "backslashreplace")
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in escaped) + '"'


# -- large files -----------------------------------------------------------------------------


async def _large_files(repository: Repository, head: Commit, largest: int) -> list[str]:
    listed = await run_git(
        "rev-list",
        "--objects",
        head,
        "--not",
        "--all",
        repository=repository.path,
        extra=repository.environment,
    )
    names: dict[str, bytes] = {}
    for line in listed.out.split(b"\n"):
        name, _, path = line.partition(b" ")
        if path:
            names.setdefault(name.decode("ascii"), path)
    sizes = await repository.sizes(names)
    return [
        f"{shown(decode_path(names[name]))} has {_megabytes(size)}, more than the "
        f"{_megabytes(largest)} that one file may have: keep it out of git."
        for name, size in sizes.items()
        if size > largest
    ]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 10_000_000 else f"{size / 1e6:.0f} MB"


# -- symlinks --------------------------------------------------------------------------------


async def _links_out(repository: Repository, head: Commit) -> list[str]:
    """Symlinks that lead out of the tree: as written in any new commit, or as they resolve in
    the last one. Those that the default branch has already are none of this push's business."""
    added = await _added_links(repository, head)
    found = {(path, target) for path, target in added if _leads_out(path, target, {})}
    if added:
        links = await _links(repository, head)
        found |= {
            (path, target) for path, target in links.items() if _leads_out(path, target, links)
        }
    if found:
        branch = await repository.resolve(f"refs/heads/{await repository.default_branch()}")
        found -= set((await _links(repository, branch)).items()) if branch else set()
    return [
        f"{shown(path)} is a symlink to {shown(target)[:200]}, which is outside of the project: "
        "link only to what is inside."
        for path, target in sorted(found)
    ]


async def _added_links(repository: Repository, head: Commit) -> list[tuple[str, str]]:
    listed = await run_git(
        "log",
        "-z",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--format=",
        "-m",
        "--root",
        head,
        "--not",
        "--all",
        "--",
        repository=repository.path,
        extra=repository.environment,
    )
    files = [f for f in _raw_entries(listed.out) if f.new_mode == SYMLINK_MODE]
    targets = await _targets(repository, {f.new_object for f in files})
    return [(f.path, targets[f.new_object]) for f in files]


def _raw_entries(out: bytes) -> Iterator[ChangedFile]:
    # Between commits `git log -z` leaves empty fields, which the parser skips.
    yield from parse_raw(out)[0]


async def _links(repository: Repository, commit: Commit) -> dict[str, str]:
    entries = [f for f in await repository.files(commit) if f.is_symlink]
    targets = await _targets(repository, {f.object for f in entries})
    return {f.path: targets[f.object] for f in entries}


async def _targets(repository: Repository, objects: set[str]) -> Mapping[str, str]:
    sizes = await repository.sizes(objects)
    short = [name for name in objects if sizes.get(name, 0) <= _LONGEST_LINK]
    found = {
        name: data.decode("utf-8", "surrogateescape")
        for name, data in (await repository.blobs(short)).items()
    }
    # The kernel refuses a longer one; treated as leading out, it is refused here, too.
    return {name: found.get(name, "/" + "…" * 10) for name in objects}


def _leads_out(path: str, target: str, links: Mapping[str, str]) -> bool:
    """Whether following the link at `path` ever leaves the tree. Loops stay inside."""
    place = list(PurePosixPath(path).parts[:-1])
    todo = [target]
    followed = 0
    while todo:
        parts = todo.pop()
        if parts.startswith("/"):
            return True
        names = [name for name in parts.split("/") if name not in ("", ".")]
        for index, name in enumerate(names):
            if name == "..":
                if not place:
                    return True
                place.pop()
                continue
            place.append(name)
            inner = links.get("/".join(place))
            if inner is not None:
                followed += 1
                if followed > _MOST_LINKS:
                    return False
                place.pop()
                todo += ["/".join(names[index + 1 :]), inner]
                break
    return False


# -- odd names and submodules ----------------------------------------------------------------


def _odd_name(path: str) -> list[str]:
    if any("\ud800" <= c <= "\udfff" for c in path):
        return [f"The name {shown(path)} is not UTF-8."]
    if not path.isprintable():
        return [f"The name {shown(path)} has characters that cannot be seen."]
    return []


async def _submodule(repository: Repository, head: Commit, path: str) -> str:
    url = await _submodule_url(repository, head, path)
    start = f"{shown(path)} is a submodule"
    if url is None:
        return f"{start} that .gitmodules gives no URL for; its files are not part of any check."
    if url.startswith(("./", "../")):
        kind = "the relative URL"
    elif url.startswith(("/", "file:")):
        kind = "a path of one machine as URL:"
    else:
        kind = "the URL"
    return f"{start} with {kind} {shown(url)[:200]}; its files are not part of any check."


async def _submodule_url(repository: Repository, head: Commit, path: str) -> str | None:
    text = await repository.file(head, ".gitmodules")
    if text is None:
        return None
    try:
        listed = await run_git(
            "config",
            "-z",
            "--blob",
            f"{head}:.gitmodules",
            "--list",
            repository=repository.path,
            extra=repository.environment,
        )
    except GitError:
        return None
    settings: dict[str, str] = {}
    for record in listed.out.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = record.partition("\n")
        settings[key] = value
    for key, value in settings.items():
        if key.startswith("submodule.") and key.endswith(".path") and value == path:
            return settings.get(key.removesuffix(".path") + ".url")
    return None
