"""`headgate init`: a headgate.toml that fits, and never an overwritten one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.cli.main import run
from headgate.model.toml.project_file import parse_project


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_python_project(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "tests").mkdir()
    (here / "src" / "shop" / "auth").mkdir(parents=True)
    (here / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.pytest.ini_options]\n')
    (here / "requirements.txt").write_text("markupsafe\n")
    assert run(["init"]) == 0
    assert "job tests: pytest, by tests/" in capsys.readouterr().out
    config = parse_project((here / "headgate.toml").read_text())
    assert config.jobs["tests"].argv == ("python", "-m", "pytest", "-q")
    assert config.jobs["tests"].env == {"PYTHONPATH": "src"}
    environment = config.environments["py"]
    assert environment.inputs == ("pyproject.toml", "requirements.txt")
    assert "pip uninstall -y shop" in environment.setup
    assert [(c.name, c.patterns) for c in config.classes] == [
        ("critical.auth", ("src/shop/auth/**",))
    ]


@pytest.mark.parametrize(
    ("files", "jobs"),
    [
        ({"package.json": '{"scripts": {"test": "jest", "lint": "x"}}'}, ["tests", "lint"]),
        ({"package.json": '{"scripts": {"test": "echo Error: no test specified"}}'}, []),
        ({"package.json": "not json"}, []),
        ({"go.mod": "module x\n"}, ["tests"]),
        ({"Cargo.toml": "[package]\n"}, ["tests"]),
        ({"Makefile": "lint:\n\ttrue\ntest: all\n\ttrue\n"}, ["lint", "tests"]),
        ({"Makefile": "test := 1\n"}, []),
        ({"pyproject.toml": "broken = ["}, []),
        ({}, []),
        ({"tests/test_a.py": "", "go.mod": "module x\n"}, ["tests", "go-tests"]),
    ],
)
def test_what_it_finds_becomes_jobs(here: Path, files: dict[str, str], jobs: list[str]) -> None:
    for name, content in files.items():
        path = here / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert run(["init"]) == 0
    config = parse_project((here / "headgate.toml").read_text())
    assert list(config.jobs) == jobs


def test_as_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "go.mod").write_text("module x\n")
    assert run(["init", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out == {"path": "headgate.toml", "jobs": {"tests": "go test, by go.mod"}}


def test_it_never_overwrites(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "headgate.toml").write_text("# mine\n")
    assert run(["init"]) == 1
    assert "already" in capsys.readouterr().err
    assert (here / "headgate.toml").read_text() == "# mine\n"


def test_a_directory_that_is_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "nowhere"]) == 2
    assert "no directory" in capsys.readouterr().err
