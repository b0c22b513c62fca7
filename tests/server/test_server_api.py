"""What can be asked over the API, and what it says of what cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from server_support import Served

from headgate.authority.policy import default_policy_files
from headgate.server.api import ENDPOINTS
from headgate.server.api.body import SMALL_BODY


def error(answer: httpx.Response, status: int) -> str:
    """The sentence of an error, which always has the same form."""
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    assert set(told) == {"error", "remedy"}
    assert told["error"].endswith(".")
    return told["error"]


def repository(path: Path) -> Path:
    """A small real repository."""
    git = ["git", "-C", str(path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(path)], check=True)
    (path / "hello.txt").write_text("hello\n")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run([*git, "add", "."], check=True, env=environment)
    subprocess.run([*git, "commit", "-q", "-m", "Say hello"], check=True, env=environment)
    return path


def test_the_description_names_every_endpoint(served: Served) -> None:
    told = served.operator.get("/api/").json()
    assert [(e["method"], e["path"]) for e in told["endpoints"]] == [
        (e.method, e.path) for e in ENDPOINTS
    ]


def test_every_endpoint_needs_somebody(served: Served) -> None:
    stranger = served.client()
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace("{name}", "x").replace("{name:path}", "x")
        for part in ("{number:whole}", "{id:whole}"):
            path = path.replace(part, "1")
        error(stranger.request(endpoint.method, path), 401)


def test_every_body_is_checked_alike(served: Served) -> None:
    operator = served.operator
    path = "/api/humans"
    assert "'nmae' is not known" in error(operator.post(path, json={"nmae": "ada"}), 400)
    assert operator.post(path, json={"nmae": "ada"}).json()["remedy"] == "Did you mean 'name'?"
    assert "'name' is missing" in error(operator.post(path, json={}), 400)
    assert "'name' must be a text" in error(operator.post(path, json={"name": 3}), 400)
    assert "longer than 63" in error(operator.post(path, json={"name": "x" * 64}), 400)
    assert "must be a JSON object" in error(operator.post(path, json=["name"]), 400)
    headers = {"content-type": "application/json"}
    assert "not JSON" in error(operator.post(path, content=b"{", headers=headers), 400)
    nested = b"[" * 100_000
    assert "not JSON" in error(operator.post(path, content=nested, headers=headers), 400)
    lone = b'{"name": "\\ud800"}'
    assert "characters" in error(operator.post(path, content=lone, headers=headers), 400)
    xml = {"content-type": "text/xml"}
    assert "cannot be read" in error(operator.post(path, content=b"<a/>", headers=xml), 400)
    large = json.dumps({"name": "x" * SMALL_BODY}).encode()
    assert "larger than" in error(operator.post(path, content=large, headers=headers), 413)
    chunks = (b" " * 65536 for _ in range(20))
    assert "larger than" in error(operator.post(path, content=chunks, headers=headers), 413)
    days = {"days": "ten"}
    said = error(operator.post("/api/principals/operator/tokens", json=days), 400)
    assert "'days' must be a whole number" in said


def test_addresses_that_lead_nowhere(served: Served) -> None:
    assert "nothing at /api/nothing" in error(served.operator.post("/api/nothing", json={}), 404)
    assert "nothing at" in error(served.operator.post("/api/changes/x/approve", json={}), 404)
    assert error(served.operator.get("/api/humans"), 405) == "Method Not Allowed."


def test_people_and_agents(served: Served) -> None:
    operator = served.operator
    answer = operator.post(
        "/api/humans", json={"name": "ada", "display": "Ada", "email": "ada@example.org"}
    )
    assert answer.json()["principal"] == {
        "name": "ada",
        "kind": "human",
        "display": "Ada",
        "email": "ada@example.org",
        "sponsor": None,
        "disabled": False,
    }
    agent = operator.post("/api/agents", json={"name": "robot", "sponsor": "ada"}).json()
    assert agent["principal"]["sponsor"] == "ada"
    error(operator.post("/api/agents", json={"name": "other", "sponsor": "robot"}), 400)
    error(operator.post("/api/humans", json={"name": "ada"}), 409)
    error(operator.post("/api/humans", json={"name": "No Spaces"}), 400)
    error(operator.post("/api/principals/nobody/disable", json={}), 404)
    gone = operator.post("/api/principals/robot/disable", json={}).json()
    assert gone["principal"]["disabled"] is True


def test_who_administers_and_who_does_not(served: Served) -> None:
    token = served.human("ada")
    agent = served.agent("robot", "ada")
    for secret in (token, agent):
        client = served.client(secret)
        for path, body in (
            ("/api/humans", {"name": "eve"}),
            ("/api/agents", {"name": "eve", "sponsor": "ada"}),
            ("/api/projects", {"name": "eve"}),
            ("/api/principals/ada/signin-link", {}),
            ("/api/environments/approve", {"digest": "sha256:" + "0" * 64}),
            ("/api/policy/import", {"files": {"policy.toml": ""}, "reason": "mine"}),
        ):
            error(client.post(path, json=body), 403)
    assert served.client(agent).post("/api/principals/ada/tokens", json={}).status_code == 403


def test_tokens_are_listed_to_their_owner_and_the_operator(served: Served) -> None:
    ada, eve = served.client(served.human("ada")), served.client(served.human("eve"))
    issued = ada.post("/api/principals/ada/tokens", json={"label": "laptop", "days": 30}).json()
    assert issued["token"].startswith("hg_")
    mine = ada.get("/api/tokens").json()["tokens"]
    assert [t["label"] for t in mine][-1] == "laptop"
    assert {t["principal"] for t in mine} == {"ada"}
    assert issued["token"] not in json.dumps(mine)
    error(eve.get("/api/tokens?principal=ada"), 403)
    everybody = served.operator.get("/api/tokens").json()["tokens"]
    assert {t["principal"] for t in everybody} == {"ada", "eve"}
    error(eve.post(f"/api/tokens/{mine[-1]['id']}/revoke", json={}), 403)
    error(served.operator.post("/api/tokens/999/revoke", json={}), 404)


def test_projects(served: Served, tmp_path: Path) -> None:
    source = repository(tmp_path / "hello")
    answer = served.operator.post("/api/projects", json={"name": "hello", "source": str(source)})
    project = answer.json()["project"]
    assert project["default_branch"] == "trunk"
    assert project["git"] == f"{served.url}/git/hello.git"
    empty = served.operator.post("/api/projects", json={"name": "empty"}).json()["project"]
    assert empty["default_branch"] == "main"
    error(served.operator.post("/api/projects", json={"name": "hello"}), 409)
    error(served.operator.post("/api/projects", json={"name": "x.git"}), 400)
    nowhere = str(tmp_path / "nowhere")
    error(served.operator.post("/api/projects", json={"name": "x", "source": nowhere}), 400)


def test_a_project_is_cloned_with_a_token(served: Served, tmp_path: Path) -> None:
    token = served.human("ada")
    source = repository(tmp_path / "hello")
    served.operator.post("/api/projects", json={"name": "hello", "source": str(source)})
    url = f"{served.url}/git/hello.git".replace("http://", f"http://ada:{token}@")
    subprocess.run(["git", "clone", "-q", url, str(tmp_path / "copy")], check=True)
    assert (tmp_path / "copy" / "hello.txt").read_text() == "hello\n"


def test_a_change_that_does_not_exist(served: Served) -> None:
    client = served.client(served.human("ada"))
    for action in ("approve", "enqueue", "hold", "abandon", "recheck"):
        error(client.post(f"/api/changes/12/{action}", json={}), 404)


def test_numbers_too_large_for_anything(served: Served) -> None:
    huge = 10**22
    for path in (f"/api/changes/{huge}/approve", f"/api/tokens/{huge}/revoke"):
        error(served.operator.post(path, json={}), 404)
    error(served.operator.post(f"/api/tokens/{10**15 - 1}/revoke", json={}), 404)
    days = {"days": 10**400}
    path = "/api/principals/operator/tokens"
    assert "15 digits" in error(served.operator.post(path, json=days), 400)


def test_environments(served: Served) -> None:
    digest = "sha256:" + "a" * 64
    error(served.operator.post("/api/environments/approve", json={"digest": "sha256:x"}), 400)
    body = {"digest": digest, "note": "seen"}
    assert served.operator.post("/api/environments/approve", json=body).status_code == 200
    listed = served.operator.get("/api/environments").json()
    assert [(s["digest"], s["approved_by"]) for s in listed["approved"]] == [(digest, "operator")]
    assert listed["by_policy"] == []


def test_the_policy_is_shown_and_imported(served: Served) -> None:
    before = served.operator.get("/api/policy").json()["policy"]
    files = {name: data.decode() for name, data in default_policy_files().items()}
    files["policy.toml"] += '\n[queues.calm]\nprojects = ["hello"]\nbranches = ["stable"]\n'
    answer = served.operator.post("/api/policy/import", json={"files": files, "reason": "begin"})
    assert answer.status_code == 200, answer.text
    after = served.operator.get("/api/policy").json()["policy"]
    assert after["digest"] == answer.json()["digest"] != before["digest"]
    assert "calm" in [queue["name"] for queue in after["queues"]]


def test_a_queue_is_frozen_and_thawed(served: Served) -> None:
    for name in ("calm", "hello:feature/x"):
        with served.house.db.write() as tx:
            tx.queues.ensure(name, 4)
        path = f"/api/queues/{quote(name, safe='')}"
        frozen = served.operator.post(f"{path}/freeze", json={"reason": "release"}).json()
        assert frozen["queue"]["state"] == "frozen"
        assert frozen["queue"]["reason"] == "release"
        thawed = served.operator.post(f"{path}/thaw", json={}).json()
        assert thawed["queue"]["state"] == "active"


def test_a_policy_that_cannot_be_used_changes_nothing(served: Served) -> None:
    before = served.operator.get("/api/policy").json()
    path = "/api/policy/import"
    broken = {"files": {"policy.toml": "[queues"}, "reason": "try"}
    error(served.operator.post(path, json=broken), 400)
    error(served.operator.post(path, json={"files": {}, "reason": "try"}), 400)
    error(served.operator.post(path, json={"files": {"policy.toml": 3}, "reason": "x"}), 400)
    error(served.operator.post(path, json={"files": ["policy.toml"], "reason": "x"}), 400)
    error(served.operator.post(path, json={"files": {"policy.toml": ""}}), 400)
    assert served.operator.get("/api/policy").json() == before


def test_queues_that_do_not_exist(served: Served) -> None:
    error(served.operator.post("/api/queues/nothing/freeze", json={"reason": "x"}), 404)
    error(served.operator.post("/api/queues/nothing/thaw", json={}), 404)
    error(served.operator.post("/api/queues/nothing/freeze", json={}), 400)


def test_the_log_is_verified(served: Served) -> None:
    found = served.operator.post("/api/audit/verify", json={}).json()
    assert found["verified"] is True
    assert found["entries"] >= 1
    assert len(found["head"]) == 64
    agent_token = (served.human("ada"), served.agent("robot", "ada"))[1]
    error(served.client(agent_token).post("/api/audit/verify", json={}), 403)
