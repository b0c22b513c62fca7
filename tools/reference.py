"""Write the reference pages that follow from the code: command line, files, API.

`--check` writes nothing and exits with 1 when a page is not what the code says.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import click

from headgate.cli.main import main as cli
from headgate.server.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
_NOTE = "<!-- Written by tools/reference.py from the code. Do not edit. -->\n\n"


def command_line() -> str:
    parts = [_NOTE, "# Command line\n\n"]
    parts.append(
        "Exit codes: 0 clean, 1 findings or a denial, 2 wrong usage or bad input, 3 could not "
        "run (never 0 when something did not run). With `--json` a command prints one object and "
        "its human text goes to stderr.\n\n"
    )
    parts += list(_command(cli, "headgate", 2))
    return "".join(parts)


def _command(command: click.Command, path: str, depth: int) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [f"{'#' * min(depth, 4)} `{path}`\n\n", f"```\n{path} {usage}\n```\n\n"]
    help_text = (command.help or "").replace("\b\n", "").strip()
    if help_text:
        parts.append("\n".join(line.strip() for line in help_text.splitlines()) + "\n\n")
    options = [
        (", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts)), p.help or "")
        for p in command.params
        if isinstance(p, click.Option) and not p.hidden
    ]
    if options:
        parts.append("| option | meaning |\n|---|---|\n")
        parts += [f"| {names} | {text.replace('|', chr(92) + '|')} |\n" for names, text in options]
        parts.append("\n")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                parts += _command(inner, f"{path} {name}", depth + 1)
    return parts


def server_file() -> str:
    """Keys of server.toml with their defaults and the docstrings below the fields."""
    import ast

    source = (ROOT / "src/headgate/server/settings.py").read_text("utf-8")
    body = next(
        node.body
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    meanings: dict[str, str] = {}
    for field, after in zip(body, body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            meanings[field.target.id] = " ".join(str(after.value.value).split())
    rows = [
        f"| `{f.name.replace('_', '-')}` | `{f.default!r}` | {meanings.get(f.name, '')} |\n"
        for f in fields(Settings)
        if f.default is not MISSING
    ]
    return (
        _NOTE
        + "# server.toml\n\nStands in the data directory. Every key may be left out; unknown keys "
        "are errors. Options of `headgate up` win.\n\n| key | default | meaning |\n|---|---|---|\n"
        + "".join(rows)
    )


def api() -> str:
    from headgate.server.api import ENDPOINTS

    parts = [
        _NOTE,
        "# JSON API\n\nEvery page has its JSON at the same address with `.json` behind it. What "
        "changes something is a `POST` below `/api` with a JSON object; the answer is an object, "
        'or `{"error": …, "remedy": …}` with a fitting status. Say who you are with '
        "`Authorization: Bearer hg_…`.\n\n",
    ]
    for endpoint in ENDPOINTS:
        parts.append(f"## `{endpoint.method} {endpoint.path}`\n\n{endpoint.summary}\n\n")
        if endpoint.fields:
            parts.append("| field | meaning | required |\n|---|---|---|\n")
            parts += [
                f"| `{f.name}` | {f.meaning} | {'yes' if f.required else ''} |\n"
                for f in endpoint.fields
            ]
            parts.append("\n")
    return "".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale: list[str] = []
    for name, text in (
        ("cli.md", command_line()),
        ("server-file.md", server_file()),
        ("api.md", api()),
    ):
        page = PAGES / name
        text = text.rstrip() + "\n"
        if page.exists() and page.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not check:
            PAGES.mkdir(parents=True, exist_ok=True)
            page.write_text(text, "utf-8")
    if stale and check:
        print(f"out of date: {', '.join(stale)}. Run tools/reference.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
