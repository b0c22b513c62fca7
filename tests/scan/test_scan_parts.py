"""Parts of a project that cannot affect each other: the same result however they are analysed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.scan.flow import parts as parts_module
from headgate.scan.flow.analysis import analyse
from headgate.scan.flow.components import components
from headgate.scan.flow.project import Outcome
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.shipped import shipped, shipped_kinds


@dataclass(frozen=True)
class Importing:
    imports: tuple[str, ...]


def parts(**files: str) -> list[tuple[str, ...]]:
    named = {path.replace("__", "/") + ".py": names for path, names in files.items()}
    return components({path: Importing(tuple(n.split())) for path, n in named.items()}, ("flask",))


def test_a_file_is_with_what_it_imports() -> None:
    assert parts(a="b", b="", c="os") == [("a.py", "b.py"), ("c.py",)]


def test_a_package_is_together_when_something_imports_it() -> None:
    assert parts(a="p.x", p__x="", p__y="", q__x="", q__y="") == [
        ("a.py", "p/x.py", "p/y.py"), ("q/x.py",), ("q/y.py",),
    ]  # fmt: skip


def test_relative_imports_are_found_from_their_folder() -> None:
    assert parts(p__q__a=". .b", p__q__b="", p__q__c="..d", p__d="", b="") == [
        ("b.py",), ("p/d.py", "p/q/c.py"), ("p/q/a.py", "p/q/b.py"),
    ]  # fmt: skip


def test_copies_side_by_side_are_apart_and_what_is_above_both_is_not() -> None:
    assert parts(x__a="b", x__b="", y__a="b", y__b="") == [
        ("x/a.py", "x/b.py"), ("y/a.py", "y/b.py"),
    ]  # fmt: skip
    assert len(parts(x__a="b", x__b="", y__a="b", y__b="", b="")) == 1


def test_users_of_one_framework_are_together() -> None:
    assert parts(a="flask", b="flask flask.g", c="") == [("a.py", "b.py"), ("c.py",)]


# The same result

_APP = """
from flask import Flask, request
import {other}
app = Flask(__name__)

@app.route("/{name}")
def {name}():
    return {other}.run(request.args["q"], 0)
"""
_HELPER = """
import os
import subprocess

def run(command, depth):
    {body}
    return command
"""
_BODIES = (
    "os.system(command)",
    "subprocess.run(command, shell=True)",
    "subprocess.run(['ls', command])",
    "command = int(command)",
    "os.system(str(int(command)))",
    "eval(command)",
)


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    files: dict[str, str] = {}
    for index in range(draw(st.integers(1, 4))):
        helper = f"h{draw(st.integers(0, 2))}"
        files[f"s{index}/view.py"] = _APP.format(other=helper, name=f"v{index}")
        files[f"s{index}/{helper}.py"] = _HELPER.format(body=draw(st.sampled_from(_BODIES)))
    if draw(st.booleans()):
        files["h0.py"] = _HELPER.format(body=draw(st.sampled_from(_BODIES)))
    # Parts are looked up only where there are more files than a few.
    files |= {f"n{index}.py": f"x = {index}\n" for index in range(20)}
    return files


def outcome(files: Mapping[str, str], cache: Path | None = None, jobs: int = 1) -> Outcome:
    modules = lowered({path: text.encode() for path, text in files.items()}, None)
    packs, kinds = shipped("python"), shipped_kinds()
    return analyse(modules, packs, kinds, jobs=jobs, cache=cache)


@settings(max_examples=8, deadline=None)
@given(project=projects(), data=st.data())
def test_what_was_kept_gives_the_result_of_a_first_run(
    tmp_path_factory: pytest.TempPathFactory, project: dict[str, str], data: st.DataObject
) -> None:
    cache = tmp_path_factory.mktemp("outcomes")
    for _ in range(3):
        assert outcome(project, cache) == outcome(project)
        path = data.draw(st.sampled_from([one for one in project if one[0] != "n"]))
        if "view" not in path:
            project[path] = _HELPER.format(body=data.draw(st.sampled_from(_BODIES)))
        elif data.draw(st.booleans()):
            project[path] = "import os\n"
        else:
            project[path] = "\n" + project[path]


def test_an_unchanged_part_is_not_analysed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = {f"s{n}/a.py": f"import b\nx = {n}\n" for n in range(12)}
    project |= {f"s{n}/b.py": "y = 1\n" for n in range(12)}
    seen: list[str] = []
    one_by_one = parts_module._analysed  # pyright: ignore[reportPrivateUsage]

    def counted(how: Any, rules: Any, files: Mapping[str, Any], *others: Any) -> Outcome:
        seen.extend(files)
        return one_by_one(how, rules, files, *others)

    monkeypatch.setattr(parts_module, "_analysed", counted)
    outcome(project, tmp_path)
    assert sorted(seen) == sorted(project)
    seen.clear()
    project["s3/b.py"] = "y = 2\n"
    outcome(project, tmp_path)
    assert sorted(seen) == ["s3/a.py", "s3/b.py"]


def test_a_damaged_or_foreign_outcome_is_worked_out_again(tmp_path: Path) -> None:
    project = {f"n{index}.py": f"x = {index}\n" for index in range(21)}
    project["h.py"] = _HELPER.format(body=_BODIES[0])
    project["view.py"] = _APP.format(other="h", name="v")
    first = outcome(project, tmp_path)
    assert first.found
    for place in tmp_path.rglob("*"):
        if place.is_file():
            place.write_bytes(place.read_bytes()[:-1] + b"x")
    assert outcome(project, tmp_path) == first
    for place in tmp_path.rglob("*"):
        if place.is_file():
            place.chmod(0o666)
    assert outcome(project, tmp_path) == first


_TWICE = """
import json, sys
from headgate.scan.flow import parts
from headgate.scan.flow.analysis import analyse
from headgate.scan.front.lowered import lowered
from headgate.scan.packs.shipped import shipped, shipped_kinds
parts._WORTH = 0
files = {path: text.encode() for path, text in json.load(sys.stdin).items()}
modules = lowered(files, None)
one, two = (
    analyse(modules, shipped("python"), shipped_kinds(), jobs=jobs) for jobs in (1, 2)
)
print(one == two, len(one.found) > 0)
"""


def test_several_processes_find_what_one_finds() -> None:
    project = {f"n{index}.py": f"x = {index}\n" for index in range(5)}
    for index in range(3):
        project[f"s{index}/h.py"] = _HELPER.format(body=_BODIES[index])
        project[f"s{index}/view.py"] = _APP.format(other="h", name=f"v{index}")
    # In a program of its own: those that help stay until the one that asked them ends.
    done = subprocess.run(
        [sys.executable, "-c", _TWICE],
        input=json.dumps(project),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True"]
