"""server.toml and the options of `headgate up`."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.model.errors import BadInput
from headgate.server.settings import DEFAULT_PORT, load_settings


def test_an_empty_directory_gives_loopback_and_the_default_port(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert settings.url == f"http://127.0.0.1:{DEFAULT_PORT}"
    assert settings.job_slots >= 1


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('port = 9000\nslots = 3\npublic-url = "https://h.org/"\n')
    settings = load_settings(tmp_path, port=9001, slots=None)
    assert (settings.port, settings.slots) == (9001, 3)
    assert settings.url == "https://h.org"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "not valid TOML"),
        ("prot = 1", "Did you mean port"),
        ("colour = 1", "Known: host"),
        ('port = "80"', "port must be a int"),
        ("slots = true", "slots must be a int"),
        ('host = "0.0.0.0"', "listens on loopback only"),
        ("port = 70000", "70000 is not a port"),
        ("slots = -1", "not a number of slots"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "server.toml").write_text(text)
    with pytest.raises(BadInput, match=says):
        load_settings(tmp_path)


def test_another_address_needs_to_be_allowed(tmp_path: Path) -> None:
    assert load_settings(tmp_path, host="0.0.0.0", allow_network=True).host == "0.0.0.0"


def test_whole_seconds_are_seconds(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text("verdict-patience = 3\n")
    assert load_settings(tmp_path).verdict_patience == 3.0
