"""Write the reference pages that follow from the code: command line, server.toml, API.

`--check` writes nothing and exits with 1 when a page is not what the code says.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path

import click
from configuration_rules import configuration_rules

from headgate.cli.main import COMMANDS, cli
from headgate.cli.rule_packs import example_of
from headgate.model.finding import Severity
from headgate.scan.fixes.changes import CHANGES
from headgate.scan.packs.load import shipped, shipped_kinds
from headgate.scan.packs.schema import Kind
from headgate.server.api import ENDPOINTS
from headgate.server.api.endpoint import Endpoint
from headgate.server.settings import Runner, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
NOTE = "<!-- Written by tools/reference.py from the code. Do not edit. -->\n\n"

COMMAND_LINE = """\
# Command line

| exit code | meaning |
|---|---|
| 0 | clean, done |
| 1 | findings, or a denial |
| 2 | wrong usage or bad input |
| 3 | something could not run; it is never 0 when something did not run |
| 130 | stopped by Ctrl-C |

Every command but `up` and `demo` speaks to a server or works on files, and ends. With `--json` it
prints one object on standard output, and its words go to standard error. An error is one line on
standard error that begins with `headgate:`; with `--json` also
`{"error": …, "remedy": …}` on standard output.

## Which server, and as whom

A command takes the first of these that there is:

1. `--operator`, before the command: the operator's socket in the data directory. Whoever may open
   it, which is the account that runs the server, is the operator.
2. The server at `HEADGATE_URL`, with the token in `HEADGATE_TOKEN` or a saved one.
3. The operator's socket in `HEADGATE_DATA`, when that is set.
4. The server that `headgate login` saved last.
5. The operator's socket in `~/.local/share/headgate`.

"""

SERVER_FILE = """\
# server.toml

Stands in the data directory and is read when the server starts. Every key may be left out; unknown
keys are errors. What the options of [`headgate up`](cli.md#headgate-up) say wins.

```toml
# ~/.local/share/headgate/server.toml
public-url = "https://headgate.example.org"
slots = 4
```

| key | default | meaning |
|---|---|---|
"""

API = """\
# JSON API

## Reading

Every page has its JSON at the same address with `.json` behind it: `/changes/12` is for people,
`/changes/12.json` for programs. Lists give `next`, to be given back as `?before=`, or null at the
end.

| address | what |
|---|---|
| `/queues.json`, `/queues/NAME.json` | the queues, their items, jobs and assumed futures |
| `/changes.json?project=&branch=&state=&owner=&q=&before=` | changes, newest first |
| `/changes/NUMBER.json`, `/changes/NUMBER/diff.json` | a change; its diff with the findings |
| `/pipelines.json`, `/pipelines/NAME.json` | pipelines and their newest runs |
| `/jobs/ID.json` | a job run |
| `/jobs/ID/log?from=OFFSET` | its log as text, from a byte on |
| `/projects.json`, `/projects/NAME.json` | projects |
| `/events.json?kind=&subject=&before=` | the log of events, newest first |
| `/principals.json` | who can act |
| `/live`, `/jobs/ID/live` | streams of server-sent events |
| `/healthz`, `/metrics` | for machines that watch; `/healthz` needs no sign-in |

## Acting

What changes something is a `POST` below `/api` with a JSON object, or without a body when there
are no fields. The answer is an object. An error is `{"error": …, "remedy": …}` with a fitting
status. `GET /api/` gives this list as JSON.

Say who you are with `Authorization: Bearer hg_…`. Braces in an address stand for a value.

"""


RULES = """\
# Rules of source analysis

What the data-flow engine can find in Python, by kind; the rule's name is `python/` and the kind.
Data has a label for where it comes from: `web` (a request), `network` (the answer of another
service), `model` (a language model), `stored` (a database), `file`, `library` (a parameter of a
public function), `error`, `stack`. A label that is not named is not reported. Lines marked
`# BAD` in the examples are found, and no others: `headgate rules test` runs them.

"""


def command_line() -> str:
    parts = [NOTE, COMMAND_LINE]
    context = click.Context(cli, info_name="headgate")
    parts.append("## Commands\n\n| command | what it does |\n|---|---|\n")
    parts += [
        f"| [`headgate {name}`](#headgate-{name}) | {entry.help} |\n"
        for name, entry in COMMANDS.items()
    ]
    parts.append("\n")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is None:
            raise LookupError(f"the command {name} is listed and does not exist")
        parts += _command(command, context, name, 2)
    return "".join(parts)


def _command(command: click.Command, parent: click.Context, name: str, depth: int) -> Iterator[str]:
    context = click.Context(command, parent=parent, info_name=name)
    path = context.command_path
    yield f"{'#' * depth} headgate {path.removeprefix('headgate ')}\n\n"
    yield f"```\n{path} {' '.join(command.collect_usage_pieces(context))}\n```\n\n"
    if command.help:
        yield _paragraphs(command.help) + "\n\n"
    options = [
        (_names(p, context), _meaning(p))
        for p in command.params
        if isinstance(p, click.Option) and not p.hidden
    ]
    if options:
        yield _table(("option", "meaning"), options)
    if isinstance(command, click.Group):
        for inner_name in command.list_commands(context):
            inner = command.get_command(context, inner_name)
            if inner is not None and not inner.hidden:
                yield from _command(inner, context, inner_name, depth + 1)


def _paragraphs(text: str) -> str:
    blocks = text.replace("\b\n", "").strip().split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks)


def _names(option: click.Option, context: click.Context) -> str:
    metavar = "" if option.is_flag else " " + option.make_metavar(context)
    names = [f"`{name}{metavar}`" for name in option.opts]
    return ", ".join((*names, *(f"`{name}`" for name in option.secondary_opts)))


def _meaning(option: click.Option) -> str:
    text = " ".join((option.help or "").split())
    if option.required:
        text += " Required."
    if option.show_default and option.default is not None:
        text += f" By default `{option.default}`."
    return text


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n"


def server_file() -> str:
    meanings = _field_meanings(ROOT / "src/headgate/server/settings.py", "Settings")
    rows: list[str] = []
    for field in fields(Settings):
        if field.default is MISSING:
            continue
        key = field.name.replace("_", "-")
        if isinstance(field.default, Runner):
            key = f"[{key}]"
        rows.append(f"| `{key}` | `{_toml(field.default)}` | {meanings[field.name]} |\n")
    return NOTE + SERVER_FILE + "".join(rows)


def _field_meanings(file: Path, name: str) -> dict[str, str]:
    """The docstrings below the fields of a class."""
    body = next(
        node.body
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    found: dict[str, str] = {}
    for field, after in pairwise(body):
        match field, after:
            case (
                ast.AnnAssign(target=ast.Name(id=target)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[target] = " ".join(text.split())
            case _:
                pass
    return found


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case Runner():
            return "labels = []"
        case int() if value >= 1_000_000:
            return f"{value:_}"
        case _:
            return str(value)


def api() -> str:
    parts = [NOTE, API]
    for endpoint in ENDPOINTS:
        parts += _endpoint(endpoint)
    return "".join(parts)


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    path = endpoint.path.replace(":int}", "}").replace(":path}", "}")
    yield f"### {endpoint.method} {path}\n\n{endpoint.summary}\n\n"
    if endpoint.fields:
        yield _table(
            ("field", "what", "meaning"),
            [
                (f"`{f.name}`", f"{f.kind.value}{', required' if f.required else ''}", f.meaning)
                for f in endpoint.fields
            ],
        )


def rules() -> str:
    parts = [NOTE, RULES]
    kinds = sorted(shipped_kinds().values(), key=lambda kind: kind.name)
    parts.append("| rule | CWE | severity | what |\n|---|---|---|---|\n")
    parts += [
        f"| [`{one.name}`](#{one.name}) | {one.cwe} | {_worst(one).word} | {one.title} |\n"
        for one in kinds
    ]
    parts += ["\n", *(text for one in kinds for text in _rule(one))]
    return "".join(parts)


def _worst(kind: Kind) -> Severity:
    return max((one for one in kind.labels.values() if one is not None), default=kind.severity)


def _rule(kind: Kind) -> Iterator[str]:
    packs = [
        pack.name
        for pack in shipped("python")
        if any(one.kind == kind.name for one in (*pack.sinks, *pack.literals, *pack.absences))
    ]
    yield f"## {kind.name}\n\n{kind.title}: "
    yield f"[CWE-{kind.cwe}](https://cwe.mitre.org/data/definitions/{kind.cwe}.html). "
    yield kind.message.format(source="Data from outside", sink="`…`") + "\n\n"
    yield f"**What to do.** {kind.remedy}"
    yield " `headgate fix` can do it.\n\n" if kind.name in CHANGES else "\n\n"
    told = {name: one.word for name, one in kind.labels.items() if one is not None}
    if told:
        by = ", ".join(f"{word} for `{name}`" for name, word in told.items())
        yield f"**Severity**, by where the data comes from: {by}.\n\n"
    else:
        yield f"**Severity**: {kind.severity.word}. **Confidence**: {kind.confidence.word}"
        yield " at most.\n\n" if packs else "; a question to a human, never blocking alone.\n\n"
    if packs:
        yield f"**Packs**: {', '.join(packs)}.\n\n"
    bad, good = example_of(kind)
    if bad:
        yield f"```python\n{bad.rstrip()}\n```\n\n"
    if good:
        yield f"Without it:\n\n```python\n{good.rstrip()}\n```\n\n"


PAGE_WRITERS = {
    "cli.md": command_line,
    "server-file.md": server_file,
    "api.md": api,
    "configuration-rules.md": configuration_rules,
    "rules.md": rules,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--pages", type=Path, default=PAGES, help="directory of the pages")
    given = parser.parse_args()
    stale: list[str] = []
    for name, write in PAGE_WRITERS.items():
        page, text = given.pages / name, write().rstrip() + "\n"
        if page.exists() and page.read_text("utf-8") == text:
            continue
        stale.append(name)
        if not given.check:
            page.write_text(text, "utf-8")
    if stale and given.check:
        print(f"out of date: {', '.join(stale)}. Run tools/reference.py.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
