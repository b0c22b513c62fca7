"""The headgate.toml that fits what lies in a directory."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.model.config import PROJECT_FILE
from headgate.model.errors import BadInput, Conflict, CouldNotRun
from headgate.model.toml.project_file import parse_project
from headgate.scan.text import printable

_CRITICAL = ("auth", "security", "crypto", "payment", "payments", "billing", "migrations", "deploy")
_NOT_ENTERED = frozenset({"node_modules", "__pycache__", "build", "dist", "site-packages"})


@dataclass(frozen=True, slots=True)
class Job:
    """A job to propose."""

    name: str
    why: str
    """What it was told by, for the one who reads."""
    run: str
    """The value of `run`, as TOML."""
    more: tuple[str, ...] = ()
    """Further lines of its table."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the jobs of a language need installed."""

    name: str
    setup: str
    inputs: tuple[str, ...]


def write(directory: str) -> tuple[Path, dict[str, str]]:
    """Write the file; its path, and each job with what it was told by.

    Raises Conflict when there is one already, BadInput for a directory that is none.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise BadInput(f"{printable(directory)} is no directory.", "Name the root of a project.")
    path = folder / PROJECT_FILE
    text, jobs = propose(folder)
    # A proposal that cannot be used would be a defect of ours: better told here than at the push.
    parse_project(text)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(
            f"There is a {PROJECT_FILE} in {printable(str(folder.resolve()))} already.",
            "Edit it, or move it away first.",
        ) from None
    except OSError as error:
        raise CouldNotRun(
            f"{printable(str(path))} could not be written: {error.strerror}.",
            "Make room, or mend the permissions of the directory.",
        ) from error
    return path, {job.name: job.why for job in jobs}


def propose(folder: Path) -> tuple[str, tuple[Job, ...]]:
    """The text of the file for a directory, and the jobs in it."""
    jobs: list[Job] = []
    environments: list[Environment] = []
    for look in (_python, _node, _go, _rust, _make):
        for found in look(folder, bool(jobs)):
            if isinstance(found, Job):
                jobs.append(found)
            else:
                environments.append(found)
    return _text(folder, jobs, environments), tuple(jobs)


def _python(folder: Path, _: bool) -> Iterator[Job | Environment]:
    project = _toml(folder / "pyproject.toml")
    tool = project.get("tool", {})
    files = [name for name in ("pyproject.toml", "setup.py", "setup.cfg") if _has(folder, name)]
    wanted = _requirements(folder)
    tests = next((name for name in ("tests", "test") if (folder / name).is_dir()), "")
    pytest_told = "pytest" in tool or _has(folder, "pytest.ini") or _has(folder, "tox.ini")
    if not (files or wanted or (tests and any((folder / tests).glob("test*.py")))):
        return
    installs = ["python3 -m venv $HEADGATE_ENV", "$HEADGATE_ENV/bin/pip install pytest"]
    installs += [f"$HEADGATE_ENV/bin/pip install -r {name}" for name in wanted]
    name = str(project.get("project", {}).get("name", ""))
    if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        # For its dependencies: the code under test is the checkout's, never a copy in the cache.
        installs.append("$HEADGATE_ENV/bin/pip install .")
        installs.append(f"$HEADGATE_ENV/bin/pip uninstall -y {name}")
    yield Environment("py", "\n".join(installs), (*files, *wanted))
    if tests or pytest_told:
        why = f"{tests}/" if tests else "the configuration of pytest"
        more = ['environment = "py"', 'timeout = "10m"', 'irrelevant-files = ["docs/**", "*.md"]']
        if (folder / "src").is_dir():
            more.append('env = { PYTHONPATH = "src" }')
        yield Job("tests", f"pytest, by {why}", '["python", "-m", "pytest", "-q"]', tuple(more))


def _node(folder: Path, others: bool) -> Iterator[Job | Environment]:
    if not _has(folder, "package.json"):
        return
    try:
        package: Any = json.loads((folder / "package.json").read_text("utf-8"))
        scripts: dict[str, Any] = package.get("scripts", {})
    except (OSError, ValueError, AttributeError):
        return
    lock = next((n for n in ("package-lock.json", "npm-shrinkwrap.json") if _has(folder, n)), "")
    command = "npm ci" if lock else "npm install"
    inputs = ("package.json", *((lock,) if lock else ()))
    setup = f"cp {' '.join(inputs)} $HEADGATE_ENV/\ncd $HEADGATE_ENV\n{command} --ignore-scripts"
    yield Environment("node", setup, inputs)
    prefix = "node-" if others else ""
    for script in ("test", "lint"):
        if isinstance(scripts.get(script), str) and "no test specified" not in scripts[script]:
            name = {"test": "tests"}.get(script, script)
            yield Job(
                f"{prefix}{name}",
                f"npm run {script}, by package.json",
                f'"ln -sfn /env/node_modules node_modules && npm run {script}"',
                ('environment = "node"',),
            )


def _go(folder: Path, others: bool) -> Iterator[Job | Environment]:
    if _has(folder, "go.mod"):
        yield Job(
            "go-tests" if others else "tests", "go test, by go.mod", '["go", "test", "./..."]'
        )


def _rust(folder: Path, others: bool) -> Iterator[Job | Environment]:
    if _has(folder, "Cargo.toml"):
        name = "rust-tests" if others else "tests"
        yield Job(name, "cargo test, by Cargo.toml", '["cargo", "test", "--offline"]')


def _make(folder: Path, others: bool) -> Iterator[Job | Environment]:
    name = next((one for one in ("Makefile", "makefile", "GNUmakefile") if _has(folder, one)), "")
    if not name or others:
        return
    targets = re.findall(
        r"^(test|tests|check|lint)\s*:(?!=)", (folder / name).read_text("utf-8", "replace"), re.M
    )
    for target in dict.fromkeys(targets):
        job = "tests" if target in ("test", "tests", "check") else target
        yield Job(job, f"make {target}, by {name}", f'["make", "{target}"]')
        if job == "tests":
            return


def _text(folder: Path, jobs: list[Job], environments: list[Environment]) -> str:
    lines = [
        "# What Headgate does with changes to this project. Every key is optional.",
        "",
        '# "experimental" lowers the risk tier of changes; "production" is the default.',
        'context = "production"',
        "",
        "# How changes land: merge, squash, rebase or cherry-pick.",
        'merge = "merge"',
        "",
        "# Names for paths. What is `critical.…` needs an approval when an agent wrote it.",
        "[classes]",
    ]
    found = list(_critical(folder))
    if found:
        lines += [f"critical.{name} = {_list(patterns)}" for name, patterns in found]
    else:
        lines.append('# critical.auth = ["src/auth/**"]')
    lines += [
        "",
        "# Files that source checks leave out; secrets are sought everywhere.",
        "[checks]",
        'exclude = []  # e.g. ["tests/fixtures/**", "vendor/**"]',
        "",
        "# Jobs run on the state that would land, without network unless the policy allows it.",
    ]
    seen: set[str] = set()
    for job in jobs:
        if job.name in seen:
            continue
        seen.add(job.name)
        lines += [f"[jobs.{job.name}]", f"run = {job.run}", *job.more, ""]
    if not jobs:
        lines += ["# [jobs.tests]", '# run = ["make", "test"]', '# timeout = "10m"', ""]
    for environment in environments:
        lines += [
            "# Built once with network, when its inputs change; an operator approves the script.",
            f"[environments.{environment.name}]",
            f'setup = """\n{environment.setup}\n"""',
            f"inputs = {_list(environment.inputs)}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _critical(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Directories, at most four levels down, whose name says that they are critical."""
    found: dict[str, list[str]] = {}
    for directory, folders, _ in os.walk(folder):
        inside = Path(directory).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _NOT_ENTERED and len(inside.parts) < 4
        )
        if inside.parts and inside.parts[0] in ("tests", "test", "docs"):
            folders[:] = []
            continue
        for name in folders:
            if name.lower() in _CRITICAL and (inside / name).as_posix().isprintable():
                found.setdefault(name.lower(), []).append((inside / name).as_posix() + "/**")
    for name, patterns in found.items():
        yield name, tuple(patterns)


def _requirements(folder: Path) -> list[str]:
    names = (path.name for path in folder.glob("requirements*.txt"))
    return sorted(name for name in names if re.fullmatch(r"[\w.-]+", name))


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _list(items: tuple[str, ...]) -> str:
    return "[" + ", ".join(json.dumps(item, ensure_ascii=False) for item in items) + "]"
