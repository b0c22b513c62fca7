"""Files that are broken, hostile or too large: each is told, none raises, none is clean."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.deps.compare import read_file, read_files
from headgate.deps.limits import LARGEST, LARGEST_LOCK
from headgate.deps.lockfiles import MANIFESTS, manifest_for
from headgate.deps.lockfiles.builder import Builder
from headgate.deps.lockfiles.interface import Parsed
from headgate.deps.lockfiles.plain_yaml import plain_block
from headgate.deps.lockfiles.yaml_text import compose
from headgate.deps.tree import check_files, check_tree
from headgate.deps.worktree import read_directory
from headgate.model.finding import Outcome

PATHS = [
    "requirements.txt", "pyproject.toml", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile",
    "Pipfile.lock", "pylock.toml", "package.json", "package-lock.json", "yarn.lock",
    "pnpm-lock.yaml", "bun.lock", "go.mod", "go.sum", "Cargo.toml", "Cargo.lock", "pom.xml",
    "gradle.lockfile", "Gemfile.lock", "composer.json", "composer.lock", "a.csproj",
    "packages.lock.json", ".github/workflows/a.yml", "Dockerfile", ".pre-commit-config.yaml",
]  # fmt: skip

SEEDS = [
    '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0"}}}',
    '{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}, "packages": []}',
    '{"default": {"a": {"version": "==1"}}, "_meta": {}}',
    '{"packages": [{"name": "a/b", "version": "1"}], "require": {"a/b": "1"}}',
    '[[package]]\nname = "a"\nversion = "1"\nsource = {registry = "x"}\ndependencies = []\n',
    'version = 1\n[[packages]]\nname = "a"\n[project]\ndependencies = ["a==1"]\n',
    'a@^1:\n  version "1"\n  dependencies:\n    b "1"\n',
    "__metadata:\n  version: 8\n'a@npm:1':\n  resolution: 'a@npm:1'\n",
    "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-a}\n",
    "jobs:\n  a:\n    steps:\n    - uses: a/b@v1\nrepos:\n- repo: local\n  hooks: []\n",
    "module x\nrequire (\n a v1.0.0 // indirect\n)\nreplace a => b v1.0.0\n",
    "GEM\n  remote: https://rubygems.org/\n  specs:\n    a (1)\n      b\n\nDEPENDENCIES\n  a\n",
    "<project><dependencies><dependency><groupId>a</groupId></dependency></dependencies></project>",
    "ARG A=1\nFROM a:$A AS b\nCOPY --from=b x y\n",
    "-r x\n-c y\na==1 --hash=sha256:aa\n-e .\n--index-url https://h/\n",
    "a:b:1=compileClasspath\n",
]
PIECES = st.sampled_from(
    ["{", "}", "[", "]", '"', "'", ":", ",", "\n", "  ", "null", "3", "[]", "{}", "\x00", "\ud800",
     "- ", "&a ", "*a", "<<: ", "|", "#", "@", "=", "(", ")", "${a}", "\\ud800", "<!DOCTYPE a>",
     "[[package]]\n", "../", "git+", "npm:", "\x1b", "é", "9" * 5000]
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Something like a lockfile, spoiled in a few places."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 6))
        text = text[:at] + draw(PIECES) + text[at + length :]
    return text


def check_whole(parsed: Parsed) -> None:
    """What every reading promises."""
    for one in parsed.declared:
        assert one.span.line >= 1
        assert (one.name + one.version).isascii()
        assert (one.name + one.version).isprintable()
        assert " " not in one.name + one.version


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATHS), mutations())
def test_no_reader_ever_raises(path: str, text: str) -> None:
    manifest = manifest_for(path)
    assert manifest is not None
    check_whole(manifest.parse(path, text.encode("utf-8", "surrogatepass")))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PATHS), mutations()), max_size=4))
def test_files_together_never_raise(files: list[tuple[str, str]]) -> None:
    given = {path: text.encode("utf-8", "surrogatepass") for path, text in files}
    check_tree(given, {})
    assert all(read_files(given).parsed[path] is not None for path in given)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_by_all(data: bytes) -> None:
    for manifest in MANIFESTS:
        manifest.parse("x/y", data)


YAML_PIECES = st.lists(
    st.sampled_from(
        ["a", "b: c", "- x", "  ", "\n", "\n  ", ": ", "key:", '"q r"', "'it''s'", "{a: b, c: d}",
         "[x, y]", "#c", " # c", "null", "~", "1.0", "@s/p", "^1", ">=2", "*", "&a", "|", ">", "-",
         "?", "%", ",", "(", '"', "\\n", "\t", "...", "---", "=", "!x", "::"]
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(YAML_PIECES)
def test_the_fast_reader_reads_as_yaml_does_or_not_at_all(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = plain_block(text)
    if found:
        whole = compose(text)
        assert found == whole
        assert found.lines == whole.lines  # type: ignore[attr-defined]


BOMB = "a: &a [x, x, x]\n" + "".join(
    f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]\n" for i in range(12)
)
MERGES = f"a: &a {{{', '.join(f'k{i}: 1' for i in range(300))}}}\n" + "".join(
    f"b{i}: {{<<: *a}}\n" for i in range(100)
)
ENTITIES = (
    '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<project><name>&b;</name></project>"
)


DOUBLING = "".join(f"ARG a{i + 1}=$a{i}$a{i}\n" for i in range(40))
MANY = '{"dependencies": {' + ", ".join(f'"p{i}": "^1"' for i in range(60_000)) + "}}"


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (".github/workflows/a.yml", "a: " + "[" * 100_000, "nests too deeply"),
        (".github/workflows/a.yml", "- " * 100_000, "nests too deeply"),
        (".github/workflows/a.yml", "? " * 100_000, "nests too deeply"),
        ("pnpm-lock.yaml", "{a: " * 100_000, "nests too deeply"),
        (".pre-commit-config.yaml", BOMB, "too many values"),
        (".pre-commit-config.yaml", MERGES, "merges too much"),
        (".pre-commit-config.yaml", "a: &a [*a]", "contains itself"),
        ("package-lock.json", "[" * 200_000, "not JSON that can be read"),
        ("package-lock.json", '{"lockfileVersion": ' + "9" * 5000 + "}", "not JSON that can be"),
        ("bun.lock", '{"a": ' * 100_000, "not JSON"),
        ("uv.lock", "a = " + "[" * 100_000, "not TOML"),
        ("Cargo.lock", "a." * 50_000 + "a = 1", "not TOML"),
        ("pom.xml", "<a>" * 100_000, "nested too deeply"),
        ("pom.xml", ENTITIES, "declares a document type"),
        ("packages.lock.json", "\ufeff{", "not JSON"),
        ("yarn.lock", "a" * 300_000, "no entry of a yarn.lock"),
        ("bun.lock", "/*" * 100_000, "not JSON"),
        ("bun.lock", "{" + ", " * 100_000, "not JSON"),
        ("pnpm-lock.yaml", "a: {b: c" + " " * 100_000 + "x!}", "of this format is not known"),
        ("Dockerfile", "FROM a\nRUN " + "--mount=" * 50_000, ""),
        ("Dockerfile", "FROM " + "${a:-" * 50_000, "no default"),
        ("Dockerfile", "ARG a0=aaaaaaaaaa\n" + DOUBLING + "FROM $a40\n", "no default"),
        ("package.json", MANY, ""),
        ("requirements.txt", "(" * 100_000, "not a requirement"),
        ("go.mod", "module x\nrequire a" + "\x1b[2J v1.0.0", "no module and version"),
    ],
)
def test_hostile_files_are_told_in_no_time(path: str, text: str, message: str) -> None:
    began = time.process_time()
    parsed = read_file(path, text.encode())
    assert time.process_time() - began < 2
    if not message:
        assert parsed.declared
        return
    assert any(message in problem.message for problem in parsed.problems), parsed.problems[:3]
    assert check_tree({path: text.encode()}, {}).outcome is Outcome.FAILED


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-32"])
@pytest.mark.parametrize("path", ["package-lock.json", "uv.lock", "pnpm-lock.yaml", "Cargo.lock"])
def test_other_encodings_are_never_clean(path: str, encoding: str) -> None:
    data = '{"näme": "x", "lockfileVersion": 3, "packages": {"node_modules/a": {}}}'.encode(
        encoding
    )
    assert read_file(path, data).problems or read_file(path, data).declared


def test_a_lockfile_of_100_megabytes_is_refused_and_said_so(tmp_path: Path) -> None:
    with open(tmp_path / "package-lock.json", "wb") as file:
        file.truncate(100 << 20)  # Sparse: it takes no room.
    (tmp_path / "requirements.txt").write_bytes(b"a==1\n" * ((LARGEST // 5) + 1))
    found = read_directory(tmp_path, ["package-lock.json", "requirements.txt"])
    result = check_files(found, read_files({}))
    assert result.outcome is Outcome.FAILED
    assert [(f.span.path, f.rule) for f in result.findings] == [
        ("package-lock.json", "dependency/unreadable"),
        ("requirements.txt", "dependency/unreadable"),
    ]
    assert f"larger than {LARGEST_LOCK >> 20} MB" in result.findings[0].message


def test_many_files_are_too_much_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.deps.gathering.MOST_BYTES", 100)
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "requirements.txt").write_bytes(b"six==1\n" + b"#" * 40)
    found = read_directory(tmp_path, [f"{name}/requirements.txt" for name in "abc"])
    problems = [p.span.path for one in found.parsed.values() for p in one.problems]
    assert problems == ["c/requirements.txt"]


def test_bytes_above_the_limit_are_refused_by_the_reader_too() -> None:
    parsed = read_file("pom.xml", b" " * (LARGEST + 1))
    assert "larger than 4 MB" in parsed.problems[0].message


def test_more_packages_than_anybody_has_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.deps.lockfiles.builder.MOST_ENTRIES", 3)
    parsed = read_file("requirements.txt", b"".join(b"p%d==1\n" % i for i in range(9)))
    assert [p.message for p in parsed.problems] == ["this names more than 3 packages"]


def test_thousands_of_problems_are_told_once_each_up_to_a_limit() -> None:
    builder = Builder("x")
    for line in range(1000):
        builder.problem("no", line + 1)
    assert len(builder.done().problems) == 100


def test_a_fault_of_ours_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Parsed:
        raise ZeroDivisionError

    monkeypatch.setattr("headgate.deps.lockfiles.go_mod.GoMod.parse", broken)
    result = check_tree({"go.mod": b"module x\n"}, {})
    assert result.outcome is Outcome.FAILED
    assert "which is a fault of Headgate" in result.findings[0].message


def test_paths_that_lead_out_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("hidden==1\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "requirements.txt").symlink_to(outside / "secret.txt")
    os.mkfifo(inside / "go.mod")
    (inside / "Cargo.toml").mkdir()
    (inside / "pyproject.toml").symlink_to("real.toml")
    (inside / "real.toml").write_text('[project]\ndependencies = ["six==1"]\n')
    paths = ["requirements.txt", "go.mod", "Cargo.toml", "pyproject.toml", "real.toml", "go.sum"]
    found = read_directory(inside, paths)
    problems = {p.span.path: p.message for one in found.parsed.values() for p in one.problems}
    assert problems == {
        "requirements.txt": "this is no file of the project",
        "go.mod": "this is no file of the project",
        "Cargo.toml": "this is no file of the project",
        "go.sum": "this could not be read (no such file or directory)",
    }
    assert [d.name for one in found.parsed.values() for d in one.declared] == ["six"]


def test_includes_in_a_circle_end_and_are_told() -> None:
    found = read_files({"requirements.txt": b"-r b.txt\n", "b.txt": b"-r requirements.txt\nsix\n"})
    assert [d.name for one in found.parsed.values() for d in one.declared] == ["six"]
    told = {
        path: [(one.message, one.span.line) for one in parsed.problems]
        for path, parsed in found.parsed.items()
    }
    assert told == {
        "requirements.txt": [("including `b.txt` leads in a circle", 1)],
        "b.txt": [("including `requirements.txt` leads in a circle", 1)],
    }
    (own,) = read_files({"requirements.txt": b"six\n-r requirements.txt\n"}).parsed.values()
    assert [one.span.line for one in own.problems] == [2]
    tree = {"requirements.txt": b"-r a.txt\n-r b.txt\n", "a.txt": b"-r b.txt\n", "b.txt": b"six\n"}
    assert not any(one.problems for one in read_files(tree).parsed.values())
    parents = {
        "a/pom.xml": b"<project><parent><groupId>g</groupId><artifactId>b</artifactId>"
        b"<relativePath>../b/pom.xml</relativePath></parent></project>",
        "b/pom.xml": b"<project><parent><groupId>g</groupId><artifactId>a</artifactId>"
        b"<relativePath>../a/pom.xml</relativePath></parent></project>",
    }
    assert len(read_files(parents).parsed) == 2


def test_properties_that_mean_each_other_end() -> None:
    pom = b"<project><properties><a>${b}${b}</a><b>${a}${a}</b></properties><dependencies>" + (
        b"<dependency><groupId>g</groupId><artifactId>x</artifactId><version>${a}</version>"
        b"</dependency></dependencies></project>"
    )
    found = read_files({"pom.xml": pom}).parsed["pom.xml"]
    assert found.declared[0].version == ""
