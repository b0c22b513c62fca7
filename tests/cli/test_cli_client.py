"""Which server a command speaks to, and what it says when there is none."""

from __future__ import annotations

import json
import socket
import stat
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.cli.client import Client, Target, checked_url, find_target
from headgate.cli.credentials import (
    Credentials,
    credentials_file,
    load_credentials,
    save_credentials,
)
from headgate.model.errors import BadInput, CouldNotRun, ExitCode, NotSignedIn

URL = "http://127.0.0.1:8417"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("HOME", str(tmp_path))
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def running(data: Path, url: str = URL) -> Path:
    """As if a server ran on this data directory."""
    (data / "run").mkdir(parents=True)
    path = data / "run" / "operator.sock"
    state = {"url": url, "operator_socket": str(path), "pid": 1}
    (data / "run" / "server.json").write_text(json.dumps(state))
    return path


def test_nothing_runs(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="headgate up") as told:
        find_target({**environ, "HEADGATE_DATA": str(tmp_path)})
    assert told.value.exit_code is ExitCode.NOT_RUN


def test_the_operator_of_a_data_directory(environ: dict[str, str], tmp_path: Path) -> None:
    path = running(tmp_path / "data")
    found = find_target({**environ, "HEADGATE_DATA": str(tmp_path / "data")})
    assert found == Target(URL, path)


def test_the_default_data_directory(environ: dict[str, str], tmp_path: Path) -> None:
    path = running(tmp_path / ".local/share/headgate")
    assert find_target(environ).socket == path


def test_address_and_token_from_the_environment(environ: dict[str, str], tmp_path: Path) -> None:
    running(tmp_path / "data")
    given = {"HEADGATE_URL": f"{URL}/", "HEADGATE_TOKEN": "hg_a_b", "HEADGATE_DATA": "data"}
    assert find_target({**environ, **given}) == Target(URL, token="hg_a_b")


def test_an_address_without_token(environ: dict[str, str]) -> None:
    with pytest.raises(NotSignedIn, match="headgate login"):
        find_target({**environ, "HEADGATE_URL": URL})


def test_what_login_saved_counts_before_the_default_directory(
    environ: dict[str, str], tmp_path: Path
) -> None:
    path = running(tmp_path / ".local/share/headgate")
    save_credentials(environ, Credentials().with_token("https://gate.example", "hg_c_d"))
    assert find_target(environ) == Target("https://gate.example", token="hg_c_d")
    assert find_target(environ, operator=True).socket == path
    assert find_target({**environ, "HEADGATE_URL": "https://gate.example"}).token == "hg_c_d"


def test_a_broken_server_file(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "server.json").write_text("{")
    with pytest.raises(CouldNotRun, match=r"server\.json cannot be read"):
        find_target({**environ, "HEADGATE_DATA": str(tmp_path)})


def test_the_file_of_tokens_is_for_its_owner_only(environ: dict[str, str]) -> None:
    file = save_credentials(environ, Credentials().with_token(URL, "hg_e_f"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_credentials(environ).tokens == {URL: "hg_e_f"}
    file.chmod(0o644)
    with pytest.raises(BadInput, match="others may read it"):
        load_credentials(environ)


def test_a_broken_file_of_tokens(environ: dict[str, str]) -> None:
    file = credentials_file(environ)
    file.parent.mkdir(parents=True)
    file.write_text("default =")
    file.chmod(0o600)
    with pytest.raises(BadInput, match="not valid TOML"):
        load_credentials(environ)
    file.write_text("servers = 3\n")
    with pytest.raises(BadInput, match="form"):
        load_credentials(environ)
    file.write_text("[servers]\nx = 3\n")
    with pytest.raises(BadInput, match="not a text"):
        load_credentials(environ)


def test_forgetting_a_token_moves_the_default() -> None:
    both = Credentials().with_token("http://a", "1").with_token("http://b", "2")
    assert both.default == "http://b"
    assert both.without("http://b") == Credentials("http://a", {"http://a": "1"})
    assert both.without("http://b").without("http://a") == Credentials()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text("hg_abc")))
def test_any_credentials_come_back(
    tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]
) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path_factory.mktemp("c"))}
    saved = Credentials(next(iter(tokens), ""), tokens)
    save_credentials(environ, saved)
    assert load_credentials(environ) == saved


@pytest.mark.parametrize(
    "url", ["", "gate.example", "ftp://gate.example", "http://", "http://h:x", "http://h/?a=b"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BadInput, match="not the address"):
        checked_url(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(BadInput) as told:
        checked_url("http://ada:hunter2@gate.example")
    assert "hunter2" not in str(told.value)


def test_a_server_that_stopped(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match="has stopped"):
        Client(Target(URL, tmp_path / "gone.sock")).get("/healthz")


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(CouldNotRun, match="cannot be reached: Connection refused"):
            Client(Target(url)).get("/healthz")


class _Other(BaseHTTPRequestHandler):
    """Some web server that is no Headgate."""

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_another_kind_of_server() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Other)
    Thread(target=server.serve_forever, daemon=True).start()
    client = Client(Target(f"http://127.0.0.1:{server.server_port}"))
    try:
        with pytest.raises(CouldNotRun, match="something else than JSON"):
            client.get("/")
        with pytest.raises(CouldNotRun, match="status 500 and no reason"):
            client.get("/broken")
    finally:
        server.shutdown()
        server.server_close()
