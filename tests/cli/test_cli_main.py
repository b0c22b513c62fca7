"""The command itself: what it lists, how it tells errors, what it never imports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from headgate import __version__
from headgate.cli.main import COMMANDS, INTERRUPTED, run

HEADGATE = [sys.executable, "-m", "headgate.cli.main"]


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, entry in COMMANDS.items():
        assert name in shown
        assert entry.help in shown


OTHERS = {"check", "scan", "init", "demo"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in OTHERS])
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    entry = COMMANDS[name]
    command = getattr(import_module(f"headgate.cli.{entry.module}"), entry.attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    first = (command.help or "").split("\n\n")[0].replace("\n", " ")
    if name not in ("up", "doctor", "signin-link", "login"):  # there the list is shorter
        assert first == entry.help


def _leaves(command: click.Command, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], object]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        names = command.list_commands(context)
        members = [(name, command.get_command(context, name)) for name in names]
        return [leaf for name, sub in members if sub for leaf in _leaves(sub, (*path, name))]
    return [(path, command)]


def test_every_command_that_ends_can_answer_with_json() -> None:
    for name, entry in COMMANDS.items():
        if name in OTHERS | {"up"}:
            continue
        command = getattr(import_module(f"headgate.cli.{entry.module}"), entry.attribute)
        for path, leaf in _leaves(command, (name,)):
            assert isinstance(leaf, click.Command)
            options = {option for param in leaf.params for option in param.opts}
            assert "--json" in options, " ".join(path)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"headgate {__version__}\n"


def test_a_mistyped_command_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chnage", "show", "1"]) == 2
    told = capsys.readouterr().err
    assert told == (
        "headgate: There is no command 'chnage'. Did you mean 'change'? See `headgate --help`.\n"
    )


def test_a_wrong_argument_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["change", "show", "twelve"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("headgate: Invalid value for 'NUMBER': 'twelve' is not a whole number.")
    assert "See `headgate change show --help`." in told


def test_an_error_is_an_object_with_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path))
    assert run(["change", "show", "1", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "error": f"No Headgate server runs on {tmp_path}.",
        "remedy": "Start one with `headgate up`, or name one with `headgate login URL`.",
    }
    assert err.startswith("headgate: No Headgate server runs on")


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_listing_the_commands_imports_none_of_them() -> None:
    script = (
        "import sys; from headgate.cli.main import run; run(['--help']); "
        "print(sorted(m for m in sys.modules if m.startswith('headgate') or "
        "m.partition('.')[0] in ('rich', 'httpx', 'sqlalchemy', 'starlette', 'structlog')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "['headgate', 'headgate.cli', 'headgate.cli.main']"


def test_a_reader_that_leaves_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -c 'import sys; from headgate.cli.main import run;"
        ' sys.exit(run(["--help"]) if [print("x" * 100) for _ in range(5000)] else 9)\''
        " | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("xxx")


def test_ctrl_c_is_told_in_one_line(tmp_path: Path) -> None:
    """`headgate login` waits for the token on standard input; Ctrl-C ends it."""
    process = subprocess.Popen(
        [*HEADGATE, "login", "http://127.0.0.1:9"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert err.strip() == "headgate: interrupted."
    assert out == ""
