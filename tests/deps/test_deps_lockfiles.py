"""What files declare: every way of writing a dependency, with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.lockfiles import MANIFESTS, manifest_for
from headgate.deps.lockfiles.interface import Parsed, Scope


def parse(path: str, text: str) -> Parsed:
    manifest = manifest_for(path)
    assert manifest is not None
    return manifest.parse(path, text.encode())


def names(parsed: Parsed) -> list[tuple[str, int]]:
    return [(one.name, one.span.line) for one in parsed.declared]


@pytest.mark.parametrize(
    "path",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "dev_requirements.txt",
        "requirements/test.in",
        "sub/requirements/base.txt",
        "sub/pyproject.toml",
        "package.json",
        "web/package.json",
    ],
)
def test_files_that_declare(path: str) -> None:
    assert manifest_for(path) is not None


@pytest.mark.parametrize(
    "path",
    ["README.txt", "notes/requirements.md", "node_modules/a/package.json", "src/package.json5", ""],
)
def test_files_that_do_not(path: str) -> None:
    assert manifest_for(path) is None


def test_a_requirements_file() -> None:
    parsed = parse(
        "requirements.txt",
        """\
# comment
MarkupSafe>=2.0 ; python_version > "3.8"  # why
jinja2 [async] == 3.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
-c constraints.txt
--requirement=more/extra.txt
-r base.txt
-rglued.txt
-e .
-e git+https://git.example/tool.git@main#egg=My_Tool
./vendored
wheels/thing.whl
direct @ https://files.example/direct-1.0.tar.gz
git+ssh://git@git.example/other.git
--pre
--no-binary :all:
--extra-index-url https://index.example/simple
-i https://index.example/two
--trusted-host index.example
""",
    )
    assert names(parsed) == [
        ("markupsafe", 2),
        ("jinja2", 3),
        ("my-tool", 11),
        ("direct", 14),
        ("other", 15),
    ]
    assert [bool(one.source) for one in parsed.declared] == [False, False, True, True, True]
    assert [i.path for i in parsed.includes if not i.constraint] == [
        "more/extra.txt",
        "base.txt",
        "glued.txt",
    ]
    assert [i.path for i in parsed.includes if i.constraint] == ["constraints.txt"]
    jinja2 = parsed.declared[1]
    assert (jinja2.version, jinja2.hashes) == ("3.1", ("sha256:aa", "sha256:bb"))
    assert [i.span.line for i in parsed.indexes] == [18, 19, 20]
    assert parsed.problems == ()


def test_includes_are_named_from_their_file() -> None:
    parsed = parse("requirements/dev.txt", "-r base.txt\n-r ../setup/x.txt\n-r ../../out.txt\n")
    assert [i.path for i in parsed.includes] == ["requirements/base.txt", "setup/x.txt"]
    assert "leads out of the project" in parsed.problems[0].message


@pytest.mark.parametrize(
    "line",
    ["requests == == 2", "what is this", "-r https://files.example/r.txt", "a b", "---", "<html>"],
)
def test_lines_that_are_not_understood_are_told(line: str) -> None:
    parsed = parse("requirements.txt", f"\n{line}\n")
    assert parsed.declared == ()
    assert [p.span.line for p in parsed.problems] == [2]


def test_a_pyproject() -> None:
    parsed = parse(
        "pyproject.toml",
        """\
[build-system]
requires = ["hatchling"]
[project]
name = "Our_Tool"
dependencies = [
  "MarkupSafe>=2",
  "direct @ git+https://git.example/d.git",
]
[project.optional-dependencies]
dev = ["pytest", "our-tool[docs]"]
docs = ["sphinx"]
[dependency-groups]
lint = ["ruff", {include-group = "types"}]
types = ["pyright"]
[tool.poetry.dependencies]
python = "^3.11"
httpx = "^0.28"
forked = {git = "https://git.example/forked.git"}
nearby = {path = "../nearby"}
[tool.poetry.group.test.dependencies]
hypothesis = {version = "*"}
[tool.uv.sources]
markupsafe = {url = "https://files.example/m.whl"}
local = {workspace = true}
[[tool.uv.index]]
name = "ours"
url = "https://index.example/simple"
[tool.setuptools.dynamic]
dependencies = {file = ["deps.txt"]}
""",
    )
    assert [one.name for one in parsed.declared] == [
        "hatchling",
        "markupsafe",
        "direct",
        "pytest",
        "sphinx",
        "ruff",
        "pyright",
        "httpx",
        "forked",
        "nearby",
        "hypothesis",
        "markupsafe",
    ]
    assert {one.name: one.span.line for one in parsed.declared if not one.source}["markupsafe"] == 6
    assert [(one.name, one.kind.value) for one in parsed.declared if one.source] == [
        ("direct", "git"),
        ("forked", "git"),
        ("nearby", "path"),
        ("markupsafe", "url"),
    ]
    development = [one.name for one in parsed.declared if one.scope is Scope.DEVELOPMENT]
    assert development == ["hatchling", "pytest", "sphinx", "ruff", "pyright", "hypothesis"]
    assert [i.text for i in parsed.indexes] == ["url = https://index.example/simple"]
    assert parsed.indexes[0].span.line == 27
    assert [i.path for i in parsed.includes] == ["deps.txt"]
    assert parsed.problems == ()


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("[project]\nname =", "this is not TOML", 1),
        ("[project]\ndependencies = 3", "`project.dependencies` is not a list", 2),
        ("[project]\ndependencies = [\n3]", "holds what is no requirement", 3),
        ("[project]\ndependencies = ['a b']", "`a b` is not a requirement", 2),
        ("dependency-groups = 3", "`dependency-groups` is not a table", 1),
        ("[tool.poetry.dependencies]\n'a b' = '1'", "`a b` is not the name of a package", 2),
        ("x = " + "[" * 4000, "this is not TOML", 1),
    ],
)
def test_a_pyproject_that_cannot_be_read(text: str, message: str, line: int) -> None:
    problem = parse("pyproject.toml", text).problems[0]
    assert message in problem.message
    assert problem.span.line == line


def test_a_package_json() -> None:
    parsed = parse(
        "package.json",
        """\
{
  "name": "web",
  "description": "has \\"left-pad\\": inside",
  "dependencies": {
    "left-pad": "^1.0.0",
    "@types/node": "*",
    "alias": "npm:real@1",
    "scoped-alias": "npm:@scope/real@1",
    "forked": "github:someone/forked",
    "short": "someone/short#main",
    "tar": "https://files.example/tar.tgz",
    "here": "file:../here",
    "work": "workspace:*"
  },
  "devDependencies": {
    "left-pad": "1"
  },
  "overrides": {"deep": {"inner": "npm:evil@1"}, "plain": "2"}
}
""",
    )
    assert names(parsed) == [
        ("left-pad", 5),
        ("@types/node", 6),
        ("real", 7),
        ("@scope/real", 8),
        ("forked", 9),
        ("short", 10),
        ("tar", 11),
        ("here", 12),
        ("work", 13),
        ("left-pad", 16),
        ("evil", 18),
    ]
    assert [(one.name, one.kind.value) for one in parsed.declared if one.source] == [
        ("forked", "git"),
        ("short", "git"),
        ("tar", "url"),
        ("here", "path"),
        ("work", "path"),
    ]
    assert [one.name for one in parsed.declared if one.scope is Scope.DEVELOPMENT] == ["left-pad"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "this is not JSON"),
        ('{"dependencies": []}', "`dependencies` is not an object"),
        ('{"dependencies": {"a": 1}}', "`a` in `dependencies` is no dependency"),
        ('{"dependencies": {"a b": "1"}}', "`a b` in `dependencies` is no dependency"),
    ],
)
def test_a_package_json_that_cannot_be_read(text: str, message: str) -> None:
    assert message in parse("package.json", text).problems[0].message


@pytest.mark.parametrize("path", ["requirements.txt", "pyproject.toml", "package.json"])
def test_a_file_that_is_not_text(path: str) -> None:
    manifest = manifest_for(path)
    assert manifest is not None
    problem = manifest.parse(path, b"# a\n\xff\xfe").problems[0]
    assert (problem.message, problem.span.line) == ("this is not UTF-8", 2)


@given(st.binary(max_size=200))
def test_no_content_is_too_strange(data: bytes) -> None:
    for manifest in MANIFESTS:
        manifest.parse("x/requirements.txt", data)


PACKAGES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)


@given(st.lists(PACKAGES, unique=True), st.sampled_from(["", ">=1", "==2.0 ; python_version>'3'"]))
def test_every_format_finds_every_package(wanted: list[str], version: str) -> None:
    lines = "\n# x\n".join(f"{name}{version}" for name in wanted)
    assert [o.name for o in parse("requirements.txt", lines).declared] == wanted
    listed = json.dumps([f"{name}{version}" for name in wanted])
    project = f"[project]\nname='us-1'\ndependencies = {listed}"
    assert [o.name for o in parse("pyproject.toml", project).declared] == wanted
    document = json.dumps({"dependencies": dict.fromkeys(wanted, "^1")}, indent=1)
    found = parse("package.json", document)
    assert [o.name for o in found.declared] == wanted
    lines_of = document.split("\n")
    assert all(f'"{o.name}"' in lines_of[o.span.line - 1] for o in found.declared)
