"""Whether a project's own code imports a package: it lowers a rank, and hides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.compare import read_files
from headgate.deps.import_names import modules_of
from headgate.deps.inventory import inventory
from headgate.deps.reachability import Imports, Use, imports_of, is_source, uses

FILES = {
    "requirements.txt": b"PyYAML==6\nflask==3\nunused==1\nonly-in-tests==1\ngoogle-cloud-x==1\n",
    "requirements-dev.txt": b"pytest==9\nimported-after-all==1\n",
    "package.json": b'{"dependencies": {"left-pad": "1.0.0", "@s/p": "1.0.0", "gone": "1.0.0"}}',
    "go.mod": b"module x\nrequire github.com/a/b v1.0.0\n",
}
CODE = {
    "app/main.py": b"import os, yaml as y\nfrom flask.views import View\n"
    b"import imported_after_all\nfrom google.cloud import x\n",
    "tests/test_main.py": b"import pytest\nimport only_in_tests\n",
    "web/index.ts": b"import pad from 'left-pad'\nimport './gone'\n",
    "web/index.test.ts": b'const gone = require("gone/deep/file")\n',
    "web/lazy.js": b"const p = await import(`@s/p/part`)\n",
}


def code(files: dict[str, bytes]) -> Imports:
    found = Imports()
    for path, data in files.items():
        assert is_source(path)
        found = found.joined(imports_of(path, data))
    return found


def test_how_packages_are_used() -> None:
    found = uses(inventory(read_files(FILES)).components, code(CODE))
    assert {url.split("/", 1)[1]: use.name for url, use in found.items()} == {
        "flask@3": "IMPORTED",
        "pyyaml@6": "IMPORTED",
        "google-cloud-x@1": "IMPORTED",
        "imported-after-all@1": "IMPORTED",  # Whatever file asks for it.
        "unused@1": "UNSEEN",
        "only-in-tests@1": "TESTS",
        "pytest@9": "DEVELOPMENT",
        "left-pad@1.0.0": "IMPORTED",
        "%40s/p@1.0.0": "IMPORTED",
        "gone@1.0.0": "TESTS",
        "github.com/a/b@v1.0.0": "UNKNOWN",  # Go's imports are not read: it keeps its rank.
    }


def test_what_an_imported_package_needs_is_brought_along() -> None:
    lock = (
        b'[[package]]\nname = "flask"\nversion = "3"\ngroups = ["main"]\n'
        b'[package.dependencies]\nwerkzeug = "*"\n'
        b'[[package]]\nname = "werkzeug"\nversion = "3"\ngroups = ["main"]\n'
        b'[[package]]\nname = "alone"\nversion = "3"\ngroups = ["main"]\n'
    )
    listed = inventory(read_files({"poetry.lock": lock})).components
    found = uses(listed, code({"a.py": b"import flask"}))
    assert [use for _, use in sorted(found.items())] == [Use.UNSEEN, Use.IMPORTED, Use.BROUGHT]


def test_the_rank_falls_and_nothing_is_hidden() -> None:
    components = inventory(read_files(FILES)).components
    found = uses(components, Imports())
    assert found.keys() == {c.purl for c in components}
    assert Use.IMPORTED.rank == Use.UNKNOWN.rank > Use.BROUGHT.rank > Use.UNSEEN.rank
    assert Use.UNSEEN.rank > Use.TESTS.rank == Use.DEVELOPMENT.rank


@pytest.mark.parametrize(
    ("distribution", "module"),
    [
        ("PyYAML", "yaml"),
        ("opencv-python-headless", "cv2"),
        ("scikit-learn", "sklearn"),
        ("python-dateutil", "dateutil"),
        ("typing_extensions", "typing_extensions"),
        ("zope.interface", "zope"),
        ("psycopg2-binary", "psycopg2"),
        ("python-foo", "foo"),
        ("foo-bar", "foobar"),
    ],
)
def test_modules_of_distributions(distribution: str, module: str) -> None:
    assert module in modules_of(distribution)


@pytest.mark.parametrize(
    "line",
    [
        "import yaml", "    import yaml", "import os, yaml", "from yaml import load",
        "from yaml.reader import X", 'importlib.import_module("yaml")', "x = __import__('yaml')",
        '   "import yaml\\n",',
    ],
)  # fmt: skip
def test_ways_to_import(line: str) -> None:
    assert ("pypi", "yaml") in imports_of("a.py", line.encode()).production


@given(st.binary(max_size=200), st.sampled_from(["a.py", "b.ts", "tests/c.js"]))
def test_no_source_is_too_strange(data: bytes, path: str) -> None:
    imports_of(path, data)


@pytest.mark.parametrize("text", ["\n" * 500_000, "import" + " " * 500_000, "from" * 100_000])
def test_hostile_sources_take_no_time(text: str) -> None:
    for path in ("a.py", "a.js"):
        imports_of(path, text.encode())
