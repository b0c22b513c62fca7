"""Commands, queries and code put together from parameters of functions that nobody calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.finding import Confidence, Finding, Severity
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.interface import SourceFile

HEAD = "import os, shlex, subprocess, asyncio\nimport subprocess as sp\nfrom os import system\n"


def found(body: str, path: str = "app.py") -> list[Finding]:
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    source = f"{HEAD}LIMIT = 'x'\ndef view(name, cur, self, items):\n{lines}\n"
    return [hit.finding for hit in Flow().scan([SourceFile(path, source.encode())]).hits]


@pytest.mark.parametrize(
    "body",
    [
        'os.system(f"ls {name}")',
        'os.system("ls " + name)',
        'os.popen("ls {}".format(name))',
        'system("ls %s" % name)',
        'subprocess.run(f"ls {name}", shell=True)',
        'sp.check_output("ls " + name, shell=True, text=True)',
        'subprocess.run(args=f"ls {name}", shell=True)',
        'subprocess.run(["sh", "-c", f"ls {name}"])',
        'subprocess.run(["/bin/bash", "-ec", "ls " + name])',
        'asyncio.create_subprocess_shell(f"ls {name}")',
        'cmd = f"ls {name}"\nsubprocess.run(cmd, shell=True)',
        'cmd = "ls "\ncmd += name\nos.system(cmd)',
        'cmd = "ls" if items else "ls " + name\nos.system(cmd)',
        'subprocess.getoutput("ls " + name.strip())',
    ],
)
def test_a_shell_command_with_a_value_in_it(body: str) -> None:
    (one,) = found(body)
    assert one.rule == "python/shell-injection"
    assert one.severity is Severity.HIGH
    assert one.confidence >= Confidence.MEDIUM
    assert one.cwe == 78


@pytest.mark.parametrize(
    "body",
    [
        'os.system("ls")',
        'subprocess.run(["ls", name])',
        'subprocess.run(["ls", f"--name={name}"])',
        'os.system(f"ls {shlex.quote(name)}")',
        'os.system("ls " + shlex.join(items))',
        'os.system(f"ls {LIMIT}")',
        'os.system(f"kill {int(name)}")',
        'cmd = "ls"\nsubprocess.run(cmd, shell=True)',
        'for one in ("a", "b"):\n    os.system(f"ls {one}")',
        'subprocess.run(f"ls {name}", shell=False)',
    ],
)
def test_constants_lists_and_quoted_values_are_left_alone(body: str) -> None:
    assert found(body) == []


def test_a_command_from_elsewhere_is_told_and_does_not_block() -> None:
    (one,) = found("subprocess.run(name, shell=True)")
    assert one.rule == "python/shell-command"
    assert one.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "body",
    [
        "cur.execute(f\"select * from t where a = '{name}'\")",
        "cur.execute(\"select * from t where a = '%s'\" % name)",
        'cur.execute("select * from t where a = " + name)',
        'cur.execute("select * from t where a = {}".format(name))',
        'q = f"delete from t where x={name}"\ncur.execute(q)',
        'q = "select * from t where 1=1"\nq += " and a = " + name\ncur.execute(q)',
        "cur.execute(f'''\n  update t\n  set a = {name}\n''')",
        "self.session.execute(text(f\"select * from t where a = '{name}'\"))",
        'Model.objects.raw(f"select * from t where a = {name}")',
        'cur.executemany(sql=f"insert into t values ({name})")',
    ],
)
def test_a_query_with_a_value_in_it(body: str) -> None:
    one = found(body)[0]
    assert one.rule == "python/sql-injection"
    assert one.severity is Severity.HIGH
    assert one.confidence >= Confidence.MEDIUM
    assert one.cwe == 89


@pytest.mark.parametrize(
    "body",
    [
        'cur.execute("select * from t where a = ?", (name,))',
        'cur.execute("select * from t where a = %s", (name,))',
        'cur.execute(f"select * from t limit {int(name)}")',
        "cur.execute(f\"select * from t where a in ({', '.join('?' for _ in items)})\", items)",
        'cur.execute("select a from t where b in (%s)" % ",".join(["?"] * len(items)), items)',
        'pool.execute(f"task {name}")',
        'log.info(f"select a file from {name}")',
        'cur.execute(f"select {LIMIT} from t")',
    ],
)
def test_parameters_and_texts_that_are_no_query_are_left_alone(body: str) -> None:
    assert found(body) == []


def test_a_table_named_by_ones_own_attribute_does_not_block() -> None:
    (one,) = found('cur.execute(f"select * from {self.table}")')
    assert one.confidence is Confidence.LOW


def test_statements_without_parameters_are_told_and_do_not_block() -> None:
    (one,) = found('cur.execute(f"drop table {name}")')
    assert one.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "statement",
    ["create database {name}", "DROP USER {name}", "set session role {name}", "pragma a({name})"],
)
def test_who_administers_a_database_names_it(statement: str) -> None:
    assert found(f'cur.execute(f"{statement}")') == []
    source = "from flask import Flask, request\napp = Flask(__name__)\nimport sqlite3\n"
    source += "@app.get('/')\ndef view():\n    name = request.args['n']\n"
    source += f'    sqlite3.connect("a").execute(f"{statement}")\n'
    assert Flow().scan([SourceFile("app.py", source.encode())]).hits


def test_code_from_values() -> None:
    (one,) = found('eval(f"{name} + 1")')
    assert one.rule == "python/code-injection"


@pytest.mark.parametrize(
    "path",
    ["docs/conf.py", "doc/a.py", "tests/test_app.py", "test_app.py", "spec/a.py", "examples/a.py"],
)
def test_no_path_softens_an_injection(path: str) -> None:
    for body in ('os.system(f"ls {name}")', "os.system(name)", 'eval(f"{name}()")'):
        (plain,), (one,) = found(body, "app.py"), found(body, path)
        assert (one.severity, one.confidence) == (plain.severity, plain.confidence)
    (one,) = found('os.system(f"ls {name}")', path)
    assert one.severity is Severity.HIGH
    assert one.confidence >= Confidence.MEDIUM


def test_the_place_is_in_characters_and_names_the_sink() -> None:
    (one,) = found('cmd = "é" + f"ls {name}"\nos.system(cmd)')
    assert (one.span.line, one.span.column, one.span.end_column) == (6, 11, 29)
    assert "`os.system` on line 7" in one.message


@given(st.text(alphabet="fxyabs()[]{}'\"=+%.,: \n\t\\0né", max_size=200))
def test_any_text_at_all_is_survived(text: str) -> None:
    Flow().scan([SourceFile("a.py", f"os.system({text})".encode())])
    Flow().scan([SourceFile("a.py", f"system = 1\n{text}".encode("utf-8", "replace"))])
