"""Files that nobody meant to be read: they are analysed as far as they go, and it is said."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.model.finding import Outcome
from headgate.scan.analyzers.flow import Flow
from headgate.scan.analyzers.flow_javascript import JavaScriptFlow
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.engine import Request, examine
from headgate.scan.tree import read_file

VIEW = (
    "import os\nfrom flask import Flask, request\napp = Flask(__name__)\n"
    "@app.route('/')\ndef v():\n    os.system(request.args['c'])\n    return ''\n"
)


def scan(data: bytes | str, path: str = "app.py") -> Analysis:
    return Flow().scan([SourceFile(path, data.encode() if isinstance(data, str) else data)])


def rules(analysis: Analysis) -> list[str]:
    return [hit.finding.rule for hit in analysis.hits]


def test_a_half_written_file_is_analysed_up_to_where_it_breaks_and_beyond() -> None:
    torn = (
        VIEW.replace("return ''", "return (") + "\n\ndef w(x:\n\n" + VIEW.replace("def v", "def u")
    )
    analysis = scan(torn)
    assert "python/command-injection" in rules(analysis)
    (note,) = analysis.reduced
    assert note.startswith("app.py: line ")
    assert "could not be understood" in note


@pytest.mark.parametrize(
    "data",
    [
        VIEW.encode("utf-16"),
        b"\xef\xbb\xbf" + VIEW.encode(),
        VIEW.replace("\n", "\r\n").encode(),
        VIEW.replace("\n", "\r").encode(),
        b"# coding: latin-1\n# caf\xe9 \xff\xfe\n" + VIEW.encode(),
    ],
    ids=["utf-16", "mark", "crlf", "cr", "latin-1"],
)
def test_encodings_and_line_ends_do_not_matter(data: bytes) -> None:
    (hit,) = scan(data).hits
    at = 8 if data.startswith(b"# coding") else 6
    assert (hit.finding.span.line, hit.finding.span.column) == (at, 5)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000 + "1" + ")" * 5000,
        "x = " + "[" * 3000 + "]" * 3000,
        "x = " + "-" * 5000 + "1",
        "x = " + "a." * 5000 + "b",
        "x = " + "f(" * 3000 + "1" + ")" * 3000,
        "x = " + " + ".join("'a'" for _ in range(8_000)),
        "x = " + " and ".join("a" for _ in range(8_000)),
        "x = " + " if a else ".join("b" for _ in range(3000)),
        "if a: pass\n" + "elif a: pass\n" * 5000,
        "\n".join(" " * n + "if a:" for n in range(500)) + "\n" + " " * 500 + "pass",
        "\n".join(" " * n + "def f():" for n in range(300)) + "\n" + " " * 300 + "pass",
        "x = " + "lambda: " * 2000 + "1",
        "x: " + "list[" * 2000 + "int" + "]" * 2000 + " = 1",
        "@f\n" * 3000 + "def g(): pass",
        "x = f'" + "{f'" * 1500 + "'}" * 1500 + "'",
    ],
    ids=range(15),
)
def test_deep_nesting_is_cut_and_the_rest_is_analysed(text: str) -> None:
    analysis = scan(f"{VIEW}\n\n{text}\n")
    assert analysis.outcome is Outcome.PASSED
    assert "python/command-injection" in rules(analysis)


def test_a_minified_file_on_one_line_is_analysed() -> None:
    line = "; ".join(f"a{n} = [a{n - 1}, 'x' * {n}, {{'k': {n}}}]" for n in range(1, 1500))
    assert "python/command-injection" in rules(scan(f"a0 = 1\n{line}\n{VIEW}"))


def test_a_line_of_ten_megabytes_is_told_as_not_examined() -> None:
    request = Request((SourceFile("a.py", b"x = '" + b"a" * 10_000_000 + b"'\n"),))
    source, _ = examine(request, (Flow(),))
    assert source.outcome is Outcome.UNKNOWN
    assert "larger than 2 MB" in source.reason


def test_a_binary_file_by_the_name_of_a_program_is_told_as_not_examined() -> None:
    source, _ = examine(Request((SourceFile("a.py", b"\x7fELF\0\1\2"),)), (Flow(),))
    assert source.outcome is Outcome.UNKNOWN
    assert "binary" in source.reason


def test_work_without_end_is_cut_off_and_said() -> None:
    body = "".join(f"def f{n}(x):\n" + f"    f{n + 1}(x + 'a{n}')\n" * 6 for n in range(12))
    body += "def f12(x): return x\n"
    work = "".join("    x = [x, str(x)]\n    y = f0(str(y) + str(x))\n" for _ in range(400))
    text = f"{VIEW}{body}@app.route('/w')\ndef w():\n    x = y = request.args['a']\n{work}"
    analysis = scan(text)
    assert "python/command-injection" in rules(analysis)


def test_files_that_import_one_another_in_a_ring_are_analysed() -> None:
    files = [
        SourceFile("a.py", b"from b import *\nfrom b import x\nimport c\ny = x\n"),
        SourceFile("b.py", b"from a import *\nfrom a import y\nimport a\nx = y\nz = a.y\n"),
        SourceFile("c.py", f"import c\nfrom a import y as q\n{VIEW}".encode()),
    ]
    assert "python/command-injection" in rules(Flow().scan(files))


def test_classes_that_derive_from_themselves_are_survived() -> None:
    text = "class A(B): pass\nclass B(A): pass\nclass A(A, B): pass\nx = A()\nx.f().g\nA.x\n"
    assert "python/command-injection" in rules(scan(text + VIEW))


def test_links_in_a_ring_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("b.py")
    (tmp_path / "b.py").symlink_to("a.py")
    assert read_file(tmp_path, "a.py") == "symbolic link"


def test_a_file_that_changes_while_it_is_read_is_analysed_as_it_was_at_one_time(
    tmp_path: Path,
) -> None:
    place, stop = tmp_path / "a.py", threading.Event()
    place.write_text(VIEW)

    def change() -> None:
        while not stop.is_set():
            part = tmp_path / ".part"
            part.write_text(VIEW + "# more\n")
            part.replace(place)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        for _ in range(50):
            content = read_file(tmp_path, "a.py")
            assert isinstance(content, bytes)
            assert content.decode() in (VIEW, VIEW + "# more\n")
    finally:
        stop.set()
        writer.join()
    assert rules(scan(content)) == ["python/command-injection"]


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="fxyabs()[]{}'\"=+%.,:@*| \n\t\\0né", max_size=300))
def test_any_text_is_survived(text: str) -> None:
    scan(f"{VIEW}\n{text}")
    scan(text + VIEW)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_program_with_a_part_cut_out_is_survived(data: st.DataObject) -> None:
    source = Path(__file__).read_bytes()[:6000]
    start = data.draw(st.integers(0, len(source)))
    end = data.draw(st.integers(start, len(source)))
    scan(source[:start] + source[end:])


def test_a_default_where_no_target_can_be_is_evaluated_like_any_value() -> None:
    analysis = JavaScriptFlow().scan([SourceFile("app.js", b'post"s">{{=(x))')])
    assert "could not be understood" in analysis.reduced[0]
