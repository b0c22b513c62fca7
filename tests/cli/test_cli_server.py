"""Everyday commands against a server that was started by `headgate up`."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from cli_support import Say

from headgate.authority.policy import default_policy_files

DEFAULTS = {name: data.decode() for name, data in default_policy_files().items()}


def url_of(server: Path) -> str:
    return str(json.loads((server / "run" / "server.json").read_text())["url"])


def repository(path: Path) -> Path:
    """A small real repository with one job."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-C", str(path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    (path / "hello.txt").write_text("hello\n")
    (path / "headgate.toml").write_text('[jobs.hello]\nrun = ["grep", "hello", "hello.txt"]\n')
    subprocess.run([*git, "add", "."], check=True, env=environment)
    subprocess.run([*git, "commit", "-q", "-m", "Say hello"], check=True, env=environment)
    return path


def test_the_operator_is_told_so(operator: Say, server: Path) -> None:
    said = operator("whoami")
    assert said.out == f"operator (service) at {url_of(server)}, by operator socket\n"
    assert operator("whoami", "--json").object["principal"]["kind"] == "service"


def test_people_agents_and_their_tokens(operator: Say) -> None:
    operator("human", "add", "grace", "--display", "Grace", "--email", "grace@example.org")
    operator("agent", "add", "helper", "--sponsor", "grace")
    names = [line.split()[0] for line in operator("principal", "list").out.splitlines()]
    assert {"NAME", "grace", "helper", "operator"} <= set(names)
    agents = operator("agent", "list", "--json").object["principals"]
    assert [(a["name"], a["sponsor"]) for a in agents] == [("helper", "grace")]
    issued = operator("token", "issue", "helper", "--days", "3", "--label", "laptop")
    assert issued.out.startswith("hg_")
    assert len(issued.out.split()) == 1
    assert "valid for 3 days" in issued.err
    listed = operator("token", "list", "helper", "--json").object["tokens"]
    assert listed[0]["label"] == "laptop"
    operator("token", "revoke", listed[0]["id"])
    assert "revoked" in operator("token", "list", "helper").out
    operator("agent", "disable", "helper")
    assert "disabled" in operator("agent", "list").out


def test_a_sponsor_that_is_nobody(operator: Say) -> None:
    said = operator("agent", "add", "lost", "--sponsor", "nobody", code=2)
    assert said.err.startswith("headgate: 'nobody' is not a human known here")


def test_projects(
    operator: Say, server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path / "hello")
    monkeypatch.chdir(tmp_path)
    said = operator("project", "add", "hello", "--from", "hello")  # relative to where one is
    assert f"git push {url_of(server)}/git/hello.git HEAD:refs/for/main" in said.out
    assert "hello" in operator("project", "list").out
    assert "main" in operator("project", "show", "hello").out
    assert "already" in operator("project", "add", "hello", code=1).err
    assert "There is no project" in operator("project", "show", "nothing", code=2).err


def test_login_as_a_person(
    say: Say, operator: Say, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator("human", "add", "ada")
    token = operator("token", "issue", "ada").out.strip()
    monkeypatch.delenv("HEADGATE_DATA")
    url = url_of(server)
    wrong = say("login", url, "--token", "hg_wrong", code=1)
    assert "not a Headgate token" in wrong.err
    said = say("login", f"{url}/", "--token", token)
    assert f"Signed in to {url} as ada" in said.out
    file = Path(os.environ["HOME"]) / ".config/headgate/credentials.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in said.out + said.err
    assert say("whoami").out.startswith("ada (human)")
    denied = say("human", "add", "eve", code=1)
    assert denied.err.startswith("headgate: ada may not administer")
    say("logout")
    assert say("whoami", code=3).err.startswith("headgate: No Headgate server runs on")
    monkeypatch.setenv("HEADGATE_URL", url)
    monkeypatch.setenv("HEADGATE_TOKEN", token)
    assert say("whoami", "--json").object["via"] == "token"


def test_a_sign_in_link(operator: Say, server: Path) -> None:
    operator("human", "add", "lin")
    said = operator("signin-link", "lin")
    assert said.out.startswith(f"{url_of(server)}/signin?code=")
    assert "once, within" in said.out
    assert operator("signin-link", "lin", "--json").object["seconds"] > 0


def test_the_policy(operator: Say, tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.mkdir()
    queue = '\n[queues.calm]\nprojects = ["hello"]\nbranches = ["stable"]\n'
    for name, text in DEFAULTS.items():
        (policy / name).write_text(text + (queue if name == "policy.toml" else ""))
    assert "can be used" in operator("policy", "check", policy).out
    assert "reason" in operator("policy", "import", policy, code=2).err
    assert "in force" in operator("policy", "import", policy, "--reason", "begin").out
    assert "calm" in operator("policy", "show").out
    for command in (["show"], ["freeze", "--reason", "x"], ["thaw"]):
        said = operator("queue", *command, "nothing", code=2)
        assert said.err.startswith("headgate: There is no queue")


def test_a_broken_policy_is_told_with_its_line(say: Say, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[findings]\ndeny-form = 'high'\n")
    said = say("policy", "check", tmp_path, code=2)
    assert "policy.toml:2" in said.err
    assert "deny-from" in said.err
    (tmp_path / "policy.toml").unlink()
    assert "holds no policy.toml" in say("policy", "check", tmp_path, code=2).err


def test_environments(operator: Say) -> None:
    digest = "sha256:" + "b" * 64
    operator("environment", "approve", digest, "-m", "seen")
    assert digest in operator("environment", "list").out
    assert operator("environment", "approve", "b", code=2).err.startswith("headgate: ")


def test_changes_that_are_not_there(operator: Say) -> None:
    assert "CHANGE" in operator("change", "list").out
    assert operator("change", "list", "--json").object["changes"] == []
    for command in ("show", "approve", "enqueue", "hold", "abandon", "recheck", "diff"):
        said = operator("change", command, 999, code=2)
        assert said.err.startswith("headgate: There is no change"), command
    assert "is not a state" in operator("change", "list", "--state", "gone", code=2).err
    assert operator("job", "log", 999, code=2).err.startswith("headgate: ")


def test_the_log(operator: Say, say: Say, server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator("human", "add", "log-reader")
    shown = operator("audit", "show", "--kind", "principal.", "--limit", "5").out
    assert "principal/log-reader" in shown.splitlines()[-1]
    events = operator("audit", "show", "--subject", "principal/log-reader", "--json").object
    assert [e["kind"] for e in events["events"]] == ["principal.added"]
    assert operator("audit", "show", "--kind", "nonsense").out == (
        "The log has no such entry. Without --kind and --subject, all of it is shown.\n"
    )
    found = operator("audit", "verify", "--json").object
    assert found["verified"] is True
    assert found["entries"] > 3
    assert "The log is whole" in operator("audit", "verify").out


def test_two_servers_on_one_data_directory(operator: Say, server: Path) -> None:
    said = operator("up", "--data", server, "--port", "0", code=None)
    assert said.code in (1, 3)
    assert said.err.startswith("headgate: ")
    assert str(json.loads((server / "run" / "server.json").read_text())["pid"]) in said.err


def test_listening_to_everybody_must_be_said(say: Say, tmp_path: Path) -> None:
    said = say("up", "--data", tmp_path, "--host", "0.0.0.0", code=2)
    assert "--allow-network" in said.err


def test_a_port_in_use(say: Say, server: Path, tmp_path: Path) -> None:
    port = url_of(server).rpartition(":")[2]
    said = say("up", "--data", tmp_path, "--port", port, code=2)
    assert f"Port {port} of 127.0.0.1 is in use." in said.err
