"""`headgate check` and `headgate scan`, as they are used in a work tree."""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SHELL = 'import os\n\n\ndef show(name):\n    os.system(f"ls {name}")\n'
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def made_up(length: int) -> str:
    return "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=length))


class Place:
    """A directory in which somebody works and calls headgate."""

    def __init__(self, path: Path, cache: Path) -> None:
        self.path = path
        self.cache = cache

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env={"PATH": os.environ["PATH"], **GIT},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, name: str, content: str | bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, name: str, content: str) -> str:
        self.write(name, content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"Write {name}")
        return self.git("rev-parse", "HEAD")

    def headgate(self, *arguments: str, inside: str = ".") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "headgate.cli.main", *arguments],
            cwd=self.path / inside,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.cache),
                "XDG_CACHE_HOME": str(self.cache),
                "LANG": "C.UTF-8",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.headgate(*arguments)
        return json.loads(done.stdout)


@pytest.fixture
def place(tmp_path: Path, cache: Path) -> Place:
    return Place(tmp_path, cache)


@pytest.fixture
def repo(place: Place) -> Place:
    place.git("init", "-q", "-b", "main")
    place.commit("app.py", "x = 1\n")
    return place


def rules(found: dict[str, Any]) -> list[str]:
    return [finding["rule"] for check in found["checks"] for finding in check["findings"]]


def test_a_finding_is_shown_with_line_caret_and_remedy(repo: Place) -> None:
    repo.write("app.py", SHELL)
    done = repo.headgate("check")
    assert done.returncode == 1
    assert "app.py:5:15: high [python/shell-injection] (CWE-78)" in done.stdout
    assert '  5 |     os.system(f"ls {name}")\n    |               ^^^^^^^^^^^^\n' in done.stdout
    assert "Remedy: " in done.stdout
    assert (
        "1 file examined: 1 finding (1 high). Checks: configuration passed, "
        "source found something, secrets passed, dependencies passed." in done.stdout
    )
    assert done.stderr == ""


def test_a_clean_tree_is_clean_and_says_what_ran(repo: Place) -> None:
    done = repo.headgate("check")
    assert done.returncode == 0
    assert done.stdout == (
        "1 file examined: no findings. Checks: configuration passed, source passed, "
        "secrets passed, dependencies passed.\n"
    )


def test_only_what_is_new_against_a_base(repo: Place) -> None:
    repo.commit("old.py", SHELL)
    repo.git("checkout", "-q", "-b", "topic")
    repo.write("old.py", "# moved down\n" + SHELL)
    assert repo.headgate("check", "--base", "main").returncode == 0
    repo.write("new.py", SHELL)
    found = repo.json("check", "--base", "main", "--json")
    assert [f["path"] for c in found["checks"] for f in c["findings"]] == ["new.py"]
    assert found["exit_code"] == 1
    assert found["base"] == "main"


def test_a_range_of_commits(repo: Place) -> None:
    first = repo.git("rev-parse", "HEAD")
    second = repo.commit("a.py", SHELL)
    third = repo.commit("b.py", "y = 2\n")
    assert repo.headgate("scan", "--base", f"{first}..{second}").returncode == 1
    assert repo.headgate("scan", "--base", f"{second}..{third}").returncode == 0
    assert repo.headgate("scan", "--base", f"{first}..").returncode == 1


def test_a_secret_committed_and_taken_out_is_found(repo: Place) -> None:
    secret = "Zx" + made_up(8) + "!"
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("settings.ini", f"password = {secret}\n")
    repo.commit("settings.ini", "password = ${PASSWORD}\n")
    done = repo.headgate("check", "--base", "main")
    assert done.returncode == 1
    assert "stays" in done.stdout
    assert "git rebase -i" in done.stdout
    for name in ("text", "json", "sarif", "github"):
        done = repo.headgate("check", "--base", "main", "--format", name)
        assert secret not in done.stdout + done.stderr


def test_only_the_paths_that_are_named(repo: Place) -> None:
    repo.write("a/one.py", SHELL)
    repo.write("b/two.py", SHELL)
    assert repo.json("scan", "a", "--json")["files"] == 1
    assert repo.json("scan", "a/one.py", "b", "--json")["files"] == 2
    done = repo.headgate("scan", "two.py", inside="b")
    assert "b/two.py:5:15" in done.stdout


def test_what_git_ignores_is_examined_only_when_it_is_named(repo: Place) -> None:
    repo.write(".gitignore", "out/\n")
    repo.write("out/gen.py", SHELL)
    assert repo.headgate("check").returncode == 0
    assert repo.headgate("check", "out").returncode == 1


def test_exclude_in_the_configuration_holds_for_source(repo: Place) -> None:
    repo.write("headgate.toml", '[checks]\nexclude = ["gen/**"]\n')
    repo.write("gen/a.py", SHELL)
    assert repo.headgate("check").returncode == 0


def test_a_broken_configuration_is_a_finding_at_its_line(repo: Place) -> None:
    repo.write("headgate.toml", '[jobs.tests]\nrun = ["true"]\ntimeuot = 3\n')
    found = repo.json("check", "--json")
    (finding,) = found["checks"][0]["findings"]
    assert (finding["path"], finding["line"]) == ("headgate.toml", 3)
    assert "timeuot" in finding["message"]
    assert repo.headgate("check").returncode == 1
    assert repo.headgate("scan").returncode == 0


def test_a_dependency_that_comes_past_the_index_is_found(repo: Place) -> None:
    repo.write("requirements.txt", "markupsafe\nthing @ https://example.org/thing.zip\n")
    found = repo.json("check", "--base", "HEAD", "--json")
    dependencies = found["checks"][-1]
    assert dependencies["check"] == "dependencies"
    assert dependencies["findings"][0]["path"] == "requirements.txt"


def test_a_directory_outside_git(place: Place) -> None:
    place.write("a.py", SHELL)
    place.write("node_modules/x/a.py", SHELL)
    found = place.json("check", "--json")
    assert found["files"] == 1
    assert rules(found) == ["python/shell-injection"]
    assert "node_modules/: not looked into outside git" in found["checks"][1]["skipped"]
    done = place.headgate("check", "--base", "main")
    assert done.returncode == 2
    assert "not in a git repository" in done.stderr


def test_what_is_not_examined_is_said(repo: Place) -> None:
    repo.write("logo.bin", b"\0\1")
    (repo.path / "link").symlink_to("/etc/passwd")
    done = repo.headgate("check")
    assert done.returncode == 0
    assert "Not examined, 2 files: " in done.stdout
    assert "link: symbolic link" in done.stdout


def test_weird_names_do_not_reach_the_terminal(repo: Place) -> None:
    name = os.fsdecode(b"new\nline\x1b[31m \xff.py")
    (repo.path / name).write_text(SHELL)
    done = repo.headgate("check")
    assert done.returncode == 1
    assert "new\\nline\\x1b[31m \\xff.py:5:15" in done.stdout


def test_deleted_files_and_an_empty_range_are_clean(repo: Place) -> None:
    repo.commit("gone.py", SHELL)
    (repo.path / "gone.py").unlink()
    assert repo.headgate("check").returncode == 0
    done = repo.headgate("check", "--base", "HEAD..HEAD")
    assert done.returncode == 0
    assert "0 files examined against HEAD..HEAD" in done.stdout


def test_the_result_goes_to_a_file(repo: Place) -> None:
    repo.write("app.py", SHELL)
    done = repo.headgate("check", "--format", "sarif", "-o", "out.sarif")
    assert done.returncode == 1
    assert done.stdout == "1 finding written to out.sarif.\n"
    log = json.loads((repo.path / "out.sarif").read_text())
    assert log["runs"][0]["results"][0]["ruleId"] == "python/shell-injection"
    done = repo.headgate("check", "-o", "no/such/out.sarif")
    assert done.returncode == 3
    assert "could not be written" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--base", "nonsense"), "There is no revision 'nonsense'"),
        (("check", "nothing.py"), "There is no nothing.py"),
        (("check", "--format", "xml"), "xml"),
        (("check", "/etc/hostname", "app.py"), "not below"),
        (("check", "--base", "a..b"), "There is no revision 'a'"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(
    repo: Place, arguments: tuple[str, ...], words: str
) -> None:
    done = repo.headgate(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_examine_is_no_success(place: Place) -> None:
    done = place.headgate("check")
    assert done.returncode == 2
    assert "no file to examine" in done.stderr


def test_a_bare_repository_is_told(place: Place) -> None:
    place.git("init", "-q", "--bare")
    done = place.headgate("check")
    assert done.returncode == 2
    assert "bare repository" in done.stderr


def test_help_imports_neither_the_engine_nor_the_server() -> None:
    code = (
        "import sys; from headgate.cli.main import run; run(['check', '--help']);"
        "bad = [m for m in sys.modules if m.startswith(('headgate.scan', 'headgate.server', "
        "'kingfisher', 'sqlalchemy', 'asyncio', 'rich'))]; print(bad, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
