"""What Python's lockfiles say: version, relation, scope, source, hashes, line."""

from __future__ import annotations

import json

import pytest

from headgate.deps.compare import read_files
from headgate.deps.lockfiles.interface import Declared, Parsed, Relation, Scope, SourceKind


def read(**files: str) -> dict[str, Parsed]:
    """Files by name, `_` for `.` and `__` for `/`, read together."""
    named = {path.replace("__", "/"): text.encode() for path, text in files.items()}
    return dict(read_files(named).parsed)


def by_name(parsed: Parsed) -> dict[str, Declared]:
    assert parsed.problems == ()
    return {one.name: one for one in parsed.declared}


UV = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "our-app"
version = "0.1"
source = { virtual = "." }
dependencies = [
    { name = "jinja2" },
]

[package.optional-dependencies]
docs = [
    { name = "sphinx" },
]
mail = [
    { name = "aiosmtpd" },
]

[package.dev-dependencies]
dev = [
    { name = "pytest" },
]

[[package]]
name = "jinja2"
version = "3.1.6"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "markupsafe" },
]
sdist = { url = "https://files.example/j.tar.gz", hash = "sha256:aa", size = 1 }
wheels = [
    { url = "https://files.example/j.whl", hash = "sha256:bb", size = 1 },
]

[[package]]
name = "markupsafe"
version = "3.0.0"
source = { registry = "https://user:pw@index.example/simple" }

[[package]]
name = "sphinx"
version = "8.0"
source = { git = "https://git.example/sphinx?rev=main#0123" }

[[package]]
name = "aiosmtpd"
version = "1.4"
source = { url = "https://files.example/a.whl" }

[[package]]
name = "pytest"
version = "9.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "beside"
version = "1"
source = { directory = "../beside" }

[[package]]
name = "forgotten"
version = "1"
source = { registry = "https://pypi.org/simple" }
"""


def test_uv() -> None:
    parsed = read(**{"uv.lock": UV})["uv.lock"]
    found = by_name(parsed)
    assert "our-app" not in found
    assert found["jinja2"] == Declared(
        "pypi",
        "jinja2",
        "jinja2==3.1.6",
        found["jinja2"].span,
        "",
        "3.1.6",
        Relation.DIRECT,
        Scope.PRODUCTION,
        SourceKind.REGISTRY,
        ("sha256:aa", "sha256:bb"),
        "",
        ("markupsafe",),
    )
    assert found["jinja2"].span.line == UV[: UV.index('name = "jinja2"\nver')].count("\n")
    assert {n: (d.relation.value, d.scope.value, d.kind.value) for n, d in found.items()} == {
        "jinja2": ("direct", "production", "registry"),
        "markupsafe": ("transitive", "production", "registry"),
        "sphinx": ("direct", "development", "git"),
        "aiosmtpd": ("direct", "production", "url"),
        "pytest": ("direct", "development", "registry"),
        "beside": ("unknown", "production", "path"),
        "forgotten": ("unknown", "production", "registry"),
    }
    # The address is told without the password in it.
    assert [one.text for one in parsed.indexes] == ["https://index.example/simple"]


POETRY = """\
[[package]]
name = "Jinja2"
version = "3.1.6"
optional = false
groups = ["main"]
files = [
    {file = "j.whl", hash = "sha256:bb"},
]

[package.dependencies]
MarkupSafe = ">=2.0"

[[package]]
name = "markupsafe"
version = "3.0.0"
groups = ["main", "dev"]
files = []

[[package]]
name = "pytest"
version = "9.0"
groups = ["dev"]
files = []

[[package]]
name = "forked"
version = "1.0"
groups = ["main"]
files = []

[package.source]
type = "git"
url = "https://git.example/forked.git"
reference = "main"
resolved_reference = "0123abc"

[[package]]
name = "inside"
version = "2.0"
groups = ["main"]
files = []

[package.source]
type = "legacy"
url = "https://index.example/simple"
reference = "ours"

[metadata]
lock-version = "2.1"
"""


def test_poetry_and_its_manifest() -> None:
    manifest = """\
[tool.poetry.dependencies]
python = "^3.11"
jinja2 = "^3"
forked = {git = "https://git.example/forked.git"}
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""
    files = read(**{"poetry.lock": POETRY, "pyproject.toml": manifest})
    found = by_name(files["poetry.lock"])
    assert {n: (d.relation.value, d.scope.value) for n, d in found.items()} == {
        "jinja2": ("direct", "production"),
        "markupsafe": ("transitive", "production"),
        "pytest": ("direct", "development"),
        "forked": ("direct", "production"),
        "inside": ("unknown", "production"),
    }
    assert found["forked"].source == "git+https://git.example/forked.git@0123abc"
    assert [one.text for one in files["poetry.lock"].indexes] == ["https://index.example/simple"]
    assert found["markupsafe"].span.line == 13


def test_poetry_without_a_manifest_does_not_guess() -> None:
    found = by_name(read(**{"poetry.lock": POETRY})["poetry.lock"])
    assert {one.relation for one in found.values()} == {Relation.UNKNOWN}


def test_old_poetry_keeps_hashes_at_the_end() -> None:
    text = """\
[[package]]
name = "six"
version = "1.16.0"
category = "dev"

[metadata]
lock-version = "1.1"

[metadata.files]
six = [
    {file = "six.whl", hash = "sha256:cc"},
]
"""
    six = by_name(read(**{"poetry.lock": text})["poetry.lock"])["six"]
    assert (six.hashes, six.scope) == (("sha256:cc",), Scope.DEVELOPMENT)


def test_pdm() -> None:
    text = """\
[metadata]
groups = ["default", "test"]

[[package]]
name = "flask"
version = "3.0"
groups = ["default"]
dependencies = ["Werkzeug>=3.0.0", "click>=8.1.3"]
files = [{file = "f.whl", hash = "sha256:aa"}]

[[package]]
name = "flask"
version = "3.0"
extras = ["async"]
groups = ["default"]

[[package]]
name = "pytest"
version = "9"
groups = ["test"]
git = "https://git.example/pytest"
revision = "0123"
"""
    found = read(**{"pdm.lock": text})["pdm.lock"]
    assert found.problems == ()
    assert [(d.name, d.span.line, d.scope.value) for d in found.declared] == [
        ("flask", 4, "production"),
        ("pytest", 17, "development"),
    ]
    assert found.declared[0].requires == ("werkzeug", "click")
    assert found.declared[1].source == "git+https://git.example/pytest@0123"


def test_pipenv() -> None:
    lock = {
        "_meta": {"sources": [{"url": "https://pypi.org/simple"}, {"url": "https://i.example/"}]},
        "default": {"Flask": {"version": "==3.0", "hashes": ["sha256:bb", "sha256:aa"]}},
        "develop": {
            "black": {"version": "==24", "index": "pypi"},
            "ours": {"git": "https://git.example/o.git", "ref": "01"},
        },
    }
    manifest = '[packages]\nflask = "*"\n[dev-packages]\nblack = "==24"\n'
    files = read(**{"Pipfile.lock": json.dumps(lock, indent=4), "Pipfile": manifest})
    found = by_name(files["Pipfile.lock"])
    assert {n: (d.relation.value, d.scope.value, d.version) for n, d in found.items()} == {
        "flask": ("direct", "production", "3.0"),
        "black": ("direct", "development", "24"),
        "ours": ("transitive", "development", ""),
    }
    assert found["flask"].hashes == ("sha256:aa", "sha256:bb")
    assert found["ours"].kind is SourceKind.GIT
    assert [one.text for one in files["Pipfile.lock"].indexes] == ["https://i.example/"]
    wanted = by_name(files["Pipfile"])
    assert (wanted["black"].version, wanted["flask"].version) == ("24", "")


def test_pylock() -> None:
    text = """\
lock-version = "1.0"
created-by = "pip"

[[packages]]
name = "attrs"
version = "25.1.0"
wheels = [{name = "a.whl", url = "https://files.example/a.whl", hashes = {sha256 = "aa"}}]

[[packages]]
name = "ours"
vcs = {type = "git", url = "https://git.example/ours", commit-id = "0123"}

[[packages]]
name = "near"
directory = {path = "../near"}
"""
    found = by_name(read(**{"pylock.toml": text})["pylock.toml"])
    assert {n: (d.version, d.kind.value, d.hashes) for n, d in found.items()} == {
        "attrs": ("25.1.0", "registry", ("sha256:aa",)),
        "ours": ("", "git", ()),
        "near": ("", "path", ()),
    }


def test_constraints_bind_and_ask_for_nothing() -> None:
    files = read(
        **{
            "requirements.txt": "-c constraints.txt\njinja2\nsix>=1\n",
            "constraints.txt": "jinja2==3.1.6\nunrelated==1\n",
        }
    )
    found = by_name(files["requirements.txt"])
    assert {n: d.version for n, d in found.items()} == {"jinja2": "3.1.6", "six": ""}
    assert files["constraints.txt"].declared == ()


def test_constraints_may_hide_no_index() -> None:
    files = read(
        **{
            "requirements.txt": "-c constraints.txt\n",
            "constraints.txt": "--index-url https://index.example/\nwhat is this\n",
        }
    )
    assert len(files["constraints.txt"].indexes) == 1
    assert len(files["constraints.txt"].problems) == 1


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("requirements.txt", Scope.PRODUCTION),
        ("requirements-dev.txt", Scope.DEVELOPMENT),
        ("requirements/tests.txt", Scope.DEVELOPMENT),
        ("requirements/device.txt", Scope.PRODUCTION),
        ("docs/requirements.txt", Scope.DEVELOPMENT),
    ],
)
def test_files_are_by_their_name_for_development(path: str, scope: Scope) -> None:
    assert read_files({path: b"six\n"}).parsed[path].declared[0].scope is scope


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("uv.lock", "version = 9\n", "version 9 is not known"),
        ("uv.lock", "version = 1\n[[package]]\nversion = '1'\n", "a package has no name"),
        ("uv.lock", "version = 1\n[[package]]\nname = 'a'\nversion = '1'\n", "no source that is"),
        (
            "poetry.lock",
            "[[package]]\nname = 'a'\nversion = '1'\nsource = {type = 'x'}",
            "no source",
        ),
        ("poetry.lock", "package = 3", "`package` is not a list"),
        ("pdm.lock", "[[package]]\nname = 'a'\nversion = 1", "`version` is not text"),
        ("pylock.toml", "lock-version = '2.0'", "version 2.0 is not known"),
        ("Pipfile.lock", '{"default": []}', "`default` is not a table"),
        ("Pipfile", "[packages]\na = 3", "`a` is no dependency"),
        ("pylock.toml", "lock-version = '1.0'\n[[packages]]\nname = 'a b'", "no package"),
    ],
)
def test_what_cannot_be_read_is_told(path: str, text: str, message: str) -> None:
    problems = read(**{path: text})[path].problems
    assert any(message in problem.message for problem in problems), problems


def test_a_header_inside_a_string_hides_nothing() -> None:
    text = 'version = 1\ndescription = """\n[[package]]\nname = "fake"\n"""\n' + UV[12:]
    parsed = read(**{"uv.lock": text})["uv.lock"]
    assert "fake" not in {one.name for one in parsed.declared}
    assert "jinja2" in {one.name for one in parsed.declared}
