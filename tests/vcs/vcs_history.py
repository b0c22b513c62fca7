"""Small histories for comparing Headgate with git: a base and two branches of commits."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from vcs_worktree import ENVIRONMENT

Files = dict[str, tuple[str, str]]
"""Path → (mode, content)."""

PATHS = (
    "a",
    "b",
    "d/a",
    "d/b",
    "d/x/c",
    "e/a",
    "new\nline",
    "caf\udce9",
    "naïve/日本",
    "f/a/b",
    "d",
    "e",
    "sub",
    "d-a",
)
LINES = tuple(f"line {n}\n" for n in range(12))


SUBMODULE = "160000"
SUBMODULES = ("1" * 40, "2" * 40, "3" * 40)
KINDS = (
    ("edit", "edit", "add", "delete", "rename", "mode", "type", "dir", "submodule"),
    ("edit", "edit", "add", "mode", "submodule"),
)
"""What commits do: in general, and in histories in which no path goes away."""


@dataclass
class History:
    """Commits as complete sets of files: the base, then each branch on top of it."""

    base: Files
    ours: list[Files] = field(default_factory=list[Files])
    theirs: list[Files] = field(default_factory=list[Files])


def _free(files: Files, path: str) -> bool:
    """Whether a path is neither there, nor below a file, nor a directory."""
    return not any(
        path == other or path.startswith(other + "/") or other.startswith(path + "/")
        for other in files
    )


@st.composite
def commits_on(draw: st.DrawFn, start: Files, kinds: tuple[str, ...]) -> list[Files]:
    files = dict(start)
    made: list[Files] = []
    for _ in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(1, 3))):
            _step(draw, files, kinds)
        made.append(dict(files))
    return made


def _step(draw: st.DrawFn, files: Files, kinds: tuple[str, ...]) -> None:
    kind = draw(st.sampled_from(kinds))
    free = [p for p in PATHS if _free(files, p)]
    if kind == "add" or not files:
        if free:
            files[draw(st.sampled_from(free))] = ("100644", draw(contents))
        return
    path = draw(st.sampled_from(sorted(files)))
    mode, content = files[path]
    if kind == "submodule":
        if mode == SUBMODULE or _free(files, "sub"):
            files[path if mode == SUBMODULE else "sub"] = (
                SUBMODULE,
                draw(st.sampled_from(SUBMODULES)),
            )
    elif mode == SUBMODULE and kind != "delete":
        return
    elif kind == "edit":
        files[path] = (mode, draw(edited(content)))
    elif kind == "delete":
        del files[path]
    elif kind == "rename" and free:
        del files[path]
        files[draw(st.sampled_from(free))] = (mode, draw(edited(content)))
    elif kind == "mode" and mode != "120000":
        files[path] = ("100755" if mode == "100644" else "100644", content)
    elif kind == "type":
        files[path] = ("100644", content) if mode == "120000" else ("120000", "d/a")
    elif kind == "dir":
        for old in [p for p in files if p.startswith("d/")]:
            new = "moved/" + old.removeprefix("d/")
            if _free(files, new):
                files[new] = files.pop(old)


contents = st.sampled_from(
    ("", "".join(LINES), "".join(LINES[:6]), "short\n", "no newline", "\0binary\n" * 3)
)


@st.composite
def edited(draw: st.DrawFn, content: str) -> str:
    lines = content.splitlines(keepends=True)
    if not lines or draw(st.booleans()):
        return content
    at = draw(st.integers(0, len(lines) - 1))
    word = draw(st.sampled_from(("one", "two")))
    if draw(st.booleans()):
        lines[at] = f"{word}\n"
    else:
        lines.insert(at, f"{word}\n")
    return "".join(lines)


@st.composite
def histories(draw: st.DrawFn) -> History:
    base: Files = {}
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=6, unique=True)):
        if _free(base, path):
            base[path] = ("100644", draw(contents))
    if _free(base, "sub") and draw(st.integers(0, 3)) == 0:
        base["sub"] = (SUBMODULE, SUBMODULES[0])
    if draw(st.integers(0, 5)) == 0:
        rule = draw(st.sampled_from(("* merge=union\n", "a -merge\nb binary\n", "* text=auto\n")))
        base[".gitattributes"] = ("100644", rule)
    kinds = draw(st.sampled_from(KINDS))
    return History(base, draw(commits_on(base, kinds)), draw(commits_on(base, kinds)))


def build(history: History, repository: Path) -> None:
    """Make the history in an existing repository: branches `ours` and `theirs`."""
    out: list[bytes] = []
    mark = 0

    def commit(branch: str, files: Files, parent: int | None) -> int:
        nonlocal mark
        mark += 1
        when = 1_700_000_000 + mark
        message = f"Commit {mark}\n".encode()
        out.append(
            f"commit refs/heads/{branch}\nmark :{mark}\nauthor A{mark} <a@b> {when} +0100\n"
            f"committer C <c@d> {when} +0000\ndata {len(message)}\n".encode()
            + message
        )
        if parent is not None:
            out.append(f"from :{parent}\n".encode())
        out.append(b"deleteall\n")
        for path, (mode, content) in files.items():
            raw = path.encode("utf-8", "surrogateescape").replace(b"\n", b"\\n")
            if mode == SUBMODULE:
                out.append(f"M {mode} {content} ".encode() + b'"' + raw + b'"\n')
                continue
            data = content.encode()
            out.append(f"M {mode} inline ".encode() + b'"' + raw + b'"\n')
            out.append(f"data {len(data)}\n".encode() + data + b"\n")
        return mark

    base = commit("base", history.base, None)
    for branch, states in (("ours", history.ours), ("theirs", history.theirs)):
        at = base
        for number, files in enumerate(states):
            if number == 0:
                out.append(f"reset refs/heads/{branch}\nfrom :{base}\n\n".encode())
            at = commit(branch, files, at)
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=repository,
        env=ENVIRONMENT,
        input=b"".join(out),
        check=True,
        capture_output=True,
    )
