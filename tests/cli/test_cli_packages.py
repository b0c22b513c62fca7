"""`headgate deps`: lists, differences, bills of materials and fixes, of real repositories."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_support import Say
from deps_registry import Registry, registry

LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"a": "^1"}},
            "node_modules/a": {"version": "1.0.0", "license": "MIT", "dependencies": {"b": "*"}},
            "node_modules/b": {"version": "2.0.0", "license": "ISC"},
        },
    },
    indent=2,
)


class Work:
    """A repository that the commands are run in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        ).stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def commit(self, files: dict[str, str]) -> str:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    found = Work(tmp_path / "app")
    monkeypatch.chdir(found.path)
    return found


def test_a_list(say: Say, work: Work) -> None:
    work.commit(
        {
            "package.json": '{"dependencies": {"a": "^1"}}',
            "package-lock.json": LOCK,
            "requirements.txt": "six\nattrs==25.1\n",
            "app.py": "import attrs\n",
        }
    )
    told = say("deps", "list", "--use").out
    assert [line.split() for line in told.splitlines()[:2]] == [
        ["PACKAGE", "VERSION", "RELATION", "SCOPE", "LICENCE", "PLACE", "USE"],
        [
            "npm/a",
            "1.0.0",
            "direct",
            "production",
            "MIT",
            "package.json:1",
            "not",
            "seen",
            "imported",
        ],
    ]
    assert "4 packages: 3 direct, 1 transitive." in told
    assert "Not pinned by any lockfile: six." in told
    found = say("deps", "list", "--json", "--use").object
    assert found["complete"] is True
    assert {c["purl"]: c["use"] for c in found["components"]} == {
        "pkg:npm/a@1.0.0": "not seen imported",
        "pkg:npm/b@2.0.0": "not seen imported",
        "pkg:pypi/attrs@25.1": "imported",
        "pkg:pypi/six": "not seen imported",
    }
    assert found["unpinned"] == [
        {"ecosystem": "pypi", "name": "six", "place": "requirements.txt:1"}
    ]
    assert "npm/b" not in say("deps", "list", "--direct").out
    work.write({"package-lock.json": "{"})
    assert "npm/b" in say("deps", "list", "--rev", "HEAD").out


def test_a_list_that_may_lack_something_says_so(say: Say, work: Work) -> None:
    work.write({"uv.lock": "[", "requirements.txt": "six==1\n"})
    said = say("deps", "list", code=3)
    assert "pypi/six" in said.out
    assert said.err == "headgate: uv.lock:1: this is not TOML.\n"
    assert say("deps", "list", "--json", code=3).object["complete"] is False


def test_places_that_are_none(say: Say, work: Work, tmp_path: Path) -> None:
    assert "There is no nowhere." in say("deps", "list", "nowhere", code=2).err
    (work.path / "x.json").write_text("{}")
    work.commit({"requirements.txt": "six==1\n"})
    assert "--use reads the code" in say("deps", "list", "--use", "--rev", "HEAD", code=2).err
    assert "no bill of materials" in say("deps", "list", "x.json", code=2).err
    assert "no revision 'gone'" in say("deps", "list", "--rev", "gone", code=2).err
    assert "no revision 'gone'" in say("deps", "diff", "gone", code=2).err
    (tmp_path / "bare").mkdir()
    os.chdir(tmp_path / "bare")
    assert "not in a git repository" in say("deps", "diff", "HEAD", code=2).err


def test_a_difference(say: Say, work: Work) -> None:
    base = work.commit({"requirements.txt": "six==1.16\nattrs==25.1\n"})
    head = work.commit({"requirements.txt": "six==1.17\njinja2==3.1\n"})
    assert [line.split() for line in say("deps", "diff", base, head).out.splitlines()] == [
        ["CHANGE", "PACKAGE", "BEFORE", "AFTER", "RELATION", "PLACE"],
        ["removed", "pypi/attrs", "25.1", "-", "direct", "requirements.txt:2"],
        ["added", "pypi/jinja2", "-", "3.1", "direct", "requirements.txt:2"],
        ["version", "changed", "pypi/six", "1.16", "1.17", "direct", "requirements.txt:1"],
    ]
    found = say("deps", "diff", base, head, "--json").object
    assert [(c["change"], c["name"]) for c in found["changes"]] == [
        ("removed", "attrs"),
        ("added", "jinja2"),
        ("version changed", "six"),
    ]
    # Without a second revision, the files as they are count.
    assert say("deps", "diff", head).out == "No package changed.\n"
    work.write({"uv.lock": "["})
    assert say("deps", "diff", head, code=3).err == "headgate: uv.lock:1: this is not TOML.\n"


def test_bills_of_materials(say: Say, work: Work) -> None:
    commit = work.commit(
        {"package.json": '{"dependencies": {"a": "^1"}}', "package-lock.json": LOCK}
    )
    first = say("deps", "sbom", "--rev", "HEAD").out
    assert json.loads(first)["metadata"]["component"]["version"] == commit
    assert say("deps", "sbom", "--rev", commit).out == first
    written = say("deps", "sbom", "--format", "spdx", "-o", "x.spdx.json", "--json").object
    assert (written["output"], written["format"]) == ("x.spdx.json", "spdx")
    assert written["bytes"] == (work.path / "x.spdx.json").stat().st_size
    # A document is listed, and written as the other format.
    listed = say("deps", "list", "x.spdx.json", "--json").object
    assert [c["purl"] for c in listed["components"]] == ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"]
    again = json.loads(say("deps", "sbom", "x.spdx.json").out)
    assert [c["purl"] for c in again["components"]] == ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"]


def test_bills_of_materials_that_cannot_be_written(say: Say, work: Work) -> None:
    work.write({"go.mod": "what\n"})
    said = say("deps", "sbom", code=3)
    assert json.loads(said.out)["compositions"][0]["aggregate"] == "incomplete"
    assert "go.mod:1" in said.err
    assert "could not be written" in say("deps", "sbom", "-o", "no/such/x.json", code=3).err
    assert "--commit is of a project" in say("deps", "sbom", "--commit", "x", code=2).err
    assert "takes no path" in say("deps", "sbom", "x", "--project", "p", code=2).err


# -- fixes -----------------------------------------------------------------------------------


def record(name: str, package: str, ecosystem: str, fixed: str) -> dict[str, object]:
    return {
        "id": name,
        "modified": "2026-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
                ],
            }
        ],
    }


@pytest.fixture
def db(say: Say, tmp_path: Path) -> Path:
    """Advisories: of `holey` and `pad` below 1.5.0, of `hopeless` in every version."""
    place = tmp_path / "records"
    place.mkdir()
    hopeless = record("PYSEC-3", "hopeless", "PyPI", "9")
    hopeless["affected"][0]["ranges"][0]["events"].pop()  # type: ignore[index]
    for one in (
        record("PYSEC-1", "holey", "PyPI", "1.5.0"),
        record("GHSA-2", "pad", "npm", "1.5.0"),
        hopeless,
    ):
        (place / f"{one['id']}.json").write_text(json.dumps(one))
    file = tmp_path / "advisories.db"
    say("deps", "sync", "--from", place, "--db", file)
    return file


@pytest.fixture(scope="module")
def index() -> Iterator[Registry]:
    with registry() as found:
        found.python("holey", {"1.0.0": (), "1.5.0": (), "2.0.0": ()})
        found.python("above", {"1.0.0": ("holey",)})
        found.npm("pad", {"1.0.0": {}, "1.5.0": {}, "1.6.0": {}})
        found.npm("top", {"1.0.0": {"pad": "^1.0.0"}})
        yield found


def test_a_pin_is_moved_by_the_smallest_step(say: Say, work: Work, db: Path) -> None:
    work.commit({"requirements.txt": "# why\nholey == 1.0.0  # here\nfine==1.0.0\n"})
    told = say("deps", "fix", "--db", db).out
    assert told.splitlines()[0] == "pypi/holey 1.0.0 -> 1.5.0  PYSEC-1"
    patch = told.partition("\n\n")[2]
    subprocess.run(["git", "apply"], input=patch, cwd=work.path, check=True, text=True)
    text = (work.path / "requirements.txt").read_text()
    assert text == "# why\nholey == 1.5.0  # here\nfine==1.0.0\n"
    assert say("deps", "fix", "--db", db).out == ("No known advisory concerns any package here.\n")


def test_what_no_version_helps_is_left_and_told(say: Say, work: Work, db: Path) -> None:
    work.commit({"requirements.txt": "hopeless==1.0.0\n"})
    assert "no version without a known advisory" in say("deps", "fix", "--db", db, code=1).out
    work.commit({"requirements.txt": "fine\n"})
    said = say("deps", "fix", "--db", db, code=3)
    assert said.out == "pypi/fine  unknown: no version is known.\n"
    # A hash would no longer fit: whatever wrote it has to write it anew.
    work.commit({"requirements.txt": "holey==1.0.0 --hash=sha256:aa\n"})
    assert "set holey to 1.5.0 in requirements.txt" in say("deps", "fix", "--db", db, code=1).out


def test_a_link_is_left_alone(say: Say, work: Work, db: Path) -> None:
    work.write({"lists/real.txt": "holey==1.0.0\n"})
    (work.path / "requirements.txt").symlink_to("lists/real.txt")
    said = say("deps", "fix", "--db", db, "--write", code=1)
    assert "set holey to 1.5.0 in requirements.txt" in said.out
    assert (work.path / "requirements.txt").is_symlink()


def test_without_advisories_nothing_is_called_clean(say: Say, work: Work, tmp_path: Path) -> None:
    work.commit({"requirements.txt": "holey==1.0.0\n"})
    said = say("deps", "fix", "--db", tmp_path / "none.db", code=3)
    assert "There is no database of advisories" in said.err
    assert "exclude each other" in say("deps", "fix", "--write", "--propose", "x", code=2).err


def test_a_fix_is_proposed_beside_the_work_tree(
    say: Say, work: Work, db: Path, tmp_path: Path
) -> None:
    base = work.commit({"requirements.txt": "holey==1.0.0\n", "other.txt": "x\n"})
    gate = tmp_path / "gate.git"
    work.git("init", "-q", "--bare", "-b", "main", str(gate))
    work.git("config", "receive.advertisePushOptions", "true", cwd=gate)
    work.git("push", "-q", str(gate), "main")
    work.write({"other.txt": "not committed\n"})
    found = say("deps", "fix", "--db", db, "--propose", gate, "--json").object
    assert found["files"] == ["requirements.txt"]
    assert work.git("rev-parse", "refs/for/main", cwd=gate) == found["commit"]
    assert work.git("rev-parse", f"{found['commit']}^", cwd=gate) == base
    assert work.git("diff", "--stat", base, found["commit"], cwd=gate).endswith(
        "1 file changed, 1 insertion(+), 1 deletion(-)"
    )
    # Here, nothing changed.
    assert (work.path / "requirements.txt").read_text() == "holey==1.0.0\n"
    assert work.git("status", "--short") == "M other.txt"
    said = say("deps", "fix", "--db", db, "--propose", tmp_path / "nowhere", code=3)
    assert "could not be proposed: git ls-remote" in said.err
    said = say("deps", "fix", "--db", db, "--propose", gate, "--branch", "no..name", code=3)
    assert "could not be proposed: git push" in said.err
    work.git("symbolic-ref", "HEAD", "refs/heads/none", cwd=gate)
    said = say("deps", "fix", "--db", db, "--propose", gate, code=2)
    assert "does not say its branch" in said.err


UV = Path(sys.executable).with_name("uv")


@pytest.mark.skipif(not UV.is_file(), reason="uv is not installed")
def test_uv_writes_its_lockfile_anew(say: Say, work: Work, db: Path, index: Registry) -> None:
    work.write(
        {
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
            'dependencies = ["above"]\n'
            f'[[tool.uv.index]]\nurl = "{index.address}/simple"\ndefault = true\n'
        }
    )
    subprocess.run([UV, "lock", "-q", "--upgrade-package", "holey==1.0.0"], check=True)
    before = (work.path / "uv.lock").read_text()
    assert 'version = "1.0.0"' in before
    work.git("add", "-A")
    told = say("deps", "fix", "--db", db, "--write").out
    assert told.splitlines()[0] == "pypi/holey 1.0.0 -> 1.5.0  PYSEC-1"
    listed = say("deps", "list", "--json").object
    assert {c["name"]: c["version"] for c in listed["components"]} == {
        "above": "1.0.0",
        "holey": "1.5.0",
    }


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_writes_its_lockfile_anew(say: Say, work: Work, db: Path, index: Registry) -> None:
    work.write(
        {
            ".npmrc": f"registry={index.address}/\n",
            "package.json": json.dumps({"name": "x", "dependencies": {"top": "^1.0.0"}}, indent=2),
            "package-lock.json": json.dumps(
                {
                    "name": "x",
                    "lockfileVersion": 3,
                    "packages": {
                        "": {"name": "x", "dependencies": {"top": "^1.0.0"}},
                        "node_modules/pad": {
                            "version": "1.0.0",
                            "resolved": f"{index.address}/pad/-/pad-1.0.0.tgz",
                        },
                        "node_modules/top": {
                            "version": "1.0.0",
                            "resolved": f"{index.address}/top/-/top-1.0.0.tgz",
                            "dependencies": {"pad": "^1.0.0"},
                        },
                    },
                }
            ),
        }
    )
    manifest = (work.path / "package.json").read_text()
    told = say("deps", "fix", "--db", db, "--write").out
    assert told.splitlines()[0] == "npm/pad 1.0.0 -> 1.5.0  GHSA-2"
    lock = json.loads((work.path / "package-lock.json").read_text())
    # The smallest step, not the newest version; and nothing but the lockfile is touched.
    assert lock["packages"]["node_modules/pad"]["version"] == "1.5.0"
    assert (work.path / "package.json").read_text() == manifest
    assert not (work.path / "node_modules").exists()


def test_what_is_no_package_url_is_told_without_a_server(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path / "none"))
    assert "`jinja2` is not a package URL" in say("deps", "may-add", "jinja2", code=2).err
