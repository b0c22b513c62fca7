"""The bill of materials of a commit, from the server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from server_support import Served

from headgate.cli.main import run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with one dependency, and a commit before it."""
    path = tmp_path / "source"
    git = ["git", "-C", str(path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True, env=environment)
    for text in ("", "six==1.17.0\n"):
        (path / "requirements.txt").write_text(text)
        subprocess.run([*git, "add", "."], check=True, env=environment)
        subprocess.run([*git, "commit", "-q", "-m", "x"], check=True, env=environment)
    return path


def test_a_commit_has_its_bill_of_materials(
    served: Served,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = served.human("ada")
    ada = served.client(token)
    assert served.operator.post("/api/projects", json={"name": "app", "source": str(source)})
    head = served.client(token).get("/projects/app.json").json()["branches"][0]["commit"]

    answer = ada.get("/api/projects/app/sbom")
    assert answer.status_code == 200
    # Only who asks loads them: their grammars of addresses take seconds.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(answer.text) is None
    found = answer.json()
    assert found["metadata"]["component"] == {
        "type": "application",
        "bom-ref": f"project:app@{head}",
        "name": "app",
        "version": head,
    }
    assert [c["purl"] for c in found["components"]] == ["pkg:pypi/six@1.17.0"]
    # The same commit says the same, by its id and from the command line.
    assert ada.get(f"/api/projects/app/sbom?commit={head}").text == answer.text
    monkeypatch.setenv("HEADGATE_URL", served.url)
    monkeypatch.setenv("HEADGATE_TOKEN", token)
    assert run(["deps", "sbom", "--project", "app", "--commit", head]) == 0
    assert json.loads(capsys.readouterr().out) == found
    spdx = ada.get("/api/projects/app/sbom?format=spdx").json()
    assert spdx["spdxVersion"] == "SPDX-2.3"
    # The page of the project leads there.
    browser, _ = served.browser("ada")
    page = browser.get("/projects/app").text
    assert f"/api/projects/app/sbom?commit={head}&amp;format=cyclonedx" in page
    assert browser.get(f"/api/projects/app/sbom?commit={head}&format=spdx").json() == spdx
    before = ada.get(f"/api/projects/app/sbom?commit={head}~1").json()
    assert before["components"] == []


def test_bills_of_materials_that_there_are_not(served: Served, source: Path) -> None:
    ada = served.client(served.human("ada"))
    served.operator.post("/api/projects", json={"name": "app", "source": str(source)})
    for path, status, message in (
        ("/api/projects/none/sbom", 404, "There is no project 'none'"),
        ("/api/projects/app/sbom?commit=gone", 404, "There is no commit gone in app"),
        ("/api/projects/app/sbom?commit=--help", 404, "There is no commit"),
        ("/api/projects/app/sbom?format=xml", 400, "'xml' is no format"),
    ):
        answer = ada.get(path)
        assert answer.status_code == status, answer.text
        assert message in answer.json()["error"]
    assert served.client().get("/api/projects/app/sbom").status_code == 401
