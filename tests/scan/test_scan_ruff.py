"""ruff behind the seam, and what happens when it does not behave."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.model.finding import Confidence, Finding, Outcome, Severity
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.rules.table import load


def found(source: str, path: str = "app.py") -> list[Finding]:
    analysis = Ruff().scan([SourceFile(path, source.encode())])
    assert analysis.outcome is Outcome.PASSED
    return [hit.finding for hit in analysis.hits]


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import requests\nrequests.get('https://a', verify=False, timeout=3)\n", "unverified-tls"),
        ("import yaml\nyaml.load(x)\n", "unsafe-yaml"),
        ("import pickle\npickle.loads(x)\n", "unsafe-deserialization"),
        ("import tempfile\ntempfile.mktemp()\n", "temporary-file-race"),
        ("import os\nos.chmod('a', 0o777)\n", "file-permissions"),
        ("import hashlib\nhashlib.md5(x)\n", "weak-hash"),
        ("q = f'select * from t where a = {x}'\n", "sql-string"),
    ],
)
def test_a_rule_of_ruffs_becomes_one_of_ours(source: str, rule: str) -> None:
    (one,) = found(source)
    assert one.rule == f"python/{rule}"
    assert one.message
    assert one.remedy
    assert one.cwe


@pytest.mark.parametrize(
    "source",
    [
        "assert x\n",
        "import subprocess\nsubprocess.run(['ls', x])\n",
        "import os\nos.chmod('a', 0o755)\n",
        "T = 'users'\nq = f'select * from {T}'\n",
        "import random\nrandom.random()\n",
        "import yaml\nyaml.load('a: 1')\n",
        "import yaml\nT = 'a: 1'\nyaml.load(T, Loader=yaml.Loader)\n",
    ],
)
def test_what_is_no_defect_by_itself_is_not_told(source: str) -> None:
    assert found(source) == []


def test_in_tests_only_the_grave_is_told_and_only_tls_softly() -> None:
    assert found("import pickle\npickle.loads(x)\n", "tests/test_a.py") == []
    (one,) = found("import yaml\nyaml.load(x)\n", "tests/test_a.py")
    assert one.confidence is Confidence.MEDIUM
    verify = "import requests\nrequests.get('https://a', verify=False, timeout=3)\n"
    (one,) = found(verify, "tests/test_a.py")
    assert one.confidence is Confidence.LOW
    (one,) = found(verify, "docs/a.py")
    assert one.confidence is Confidence.HIGH


def test_what_runs_code_is_told_in_tests_too() -> None:
    (one,) = found("eval(x)\n", "tests/test_a.py")
    assert one.rule == "python/eval"


def test_a_template_with_the_first_line_of_a_script_is_not_broken_python() -> None:
    source = "#!/usr/bin/env python3\n{% if x %}\n"
    assert found(source, "run.tmpl") == []
    (one,) = found(source, "run")
    assert one.rule == "python/does-not-parse"


def test_a_comment_silences_what_informs_and_not_what_denies() -> None:
    quiet = "import hashlib\nhashlib.md5(x)  # noqa: S324\n"
    loud = "import yaml\nyaml.load(x)  # noqa: S506\n"
    assert found(quiet) == []
    assert [one.severity for one in found(loud)] == [Severity.HIGH]


def test_syntax_that_this_python_may_not_read_hides_nothing() -> None:
    file = SourceFile("app.py", b"import os\nprint(t'{x}')\nos.system(f'ls {x}')\n")
    for tool in (Ruff(), Flow()):
        assert [hit.finding.rule for hit in tool.scan([file]).hits] == ["python/shell-injection"]


def test_configuration_in_the_project_cannot_steer_it() -> None:
    files = [
        SourceFile("pyproject.toml", b"[tool.ruff]\nexclude = ['*']\n"),
        SourceFile("app.py", b"# ruff: noqa\nimport yaml\nyaml.load(x)\n"),
    ]
    analyzer = Ruff()
    wanted = [file for file in files if analyzer.wants(file.path, file.data[:200])]
    assert [file.path for file in wanted] == ["app.py"]
    assert len(analyzer.scan(wanted).hits) == 1


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo out of order >&2; exit 2", "ended with code 2: out of order"),
        ("kill -9 $$", "ended with code -9"),
        ("echo nonsense", "not JSON"),
        ("sleep 9", "did not end within 0.5 s"),
    ],
)
def test_a_ruff_that_fails_is_not_run(tmp_path: Path, text: str, words: str) -> None:
    broken = Ruff(script(tmp_path / "ruff", text), timeout=0.5)
    analysis = broken.scan([SourceFile("a.py", b"x = 1\n")])
    assert analysis.outcome is Outcome.NOT_RUN
    assert words in analysis.reason


def test_a_ruff_that_is_not_there_is_not_run() -> None:
    analysis = Ruff(Path("/nonexistent/ruff")).scan([SourceFile("a.py", b"x = 1\n")])
    assert analysis.outcome is Outcome.NOT_RUN
    assert "could not be started" in analysis.reason


def test_every_entry_of_the_tables_is_complete() -> None:
    for name in ("python_ruff", "injection"):
        for rule in load(name).values():
            assert rule.rule.startswith("python/")
            assert rule.message.endswith((".", "?"))
            assert rule.remedy
            assert rule.cwe


def test_a_file_by_itself_is_judged_as_among_others() -> None:
    sources = {
        "app.py": "import pickle\npickle.loads(x)\n".encode("utf-8-sig"),
        "old.py": "# é\r\nimport yaml\r\nyaml.load(x)\r\n".encode("utf-16"),
        "stub.pyi": b"def f(x: int = eval('1')) -> None: ...\n",
        "broken.py": b"import os\nos.chmod('a', 0o777)\ndef f(:\n",
        "with space; $(id).py": b"import tempfile\ntempfile.mktemp()\n",
        "-o.py": b"import hashlib\nhashlib.md5(x)\n",
        "large.py": b"import tempfile\n"
        + b"# more than fits into a pipe\n" * 9000
        + b"tempfile.mktemp()\n",
    }
    files = [SourceFile(path, data) for path, data in sources.items()]
    together = Ruff().scan(files)
    alone = [Ruff().scan([file]) for file in files]
    assert sorted(map(str, together.hits)) == sorted(str(hit) for one in alone for hit in one.hits)
    assert together.skipped == tuple(path for one in alone for path in one.skipped)
    assert {hit.finding.span.path for hit in together.hits} >= set(sources) - {"stub.pyi"}
