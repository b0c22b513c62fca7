"""The packages of a tree, each once, and what nobody pinned."""

from __future__ import annotations

import json

from headgate.deps.compare import read_files
from headgate.deps.inventory import Inventory, inventory


def of(files: dict[str, str]) -> Inventory:
    return inventory(read_files({path: text.encode() for path, text in files.items()}))


LOCK = json.dumps(
    {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"a": "^1"}},
            "node_modules/a": {"version": "1.2.0", "license": "MIT", "dependencies": {"b": "*"}},
            "node_modules/b": {"version": "2.0.0"},
            "node_modules/b2": {"name": "b", "version": "3.0.0"},
        },
    },
    indent=1,
)


def test_a_range_stands_for_what_the_lockfile_chose() -> None:
    found = of({"package.json": '{\n"dependencies": {\n"a": "^1"}}', "package-lock.json": LOCK})
    assert [c.purl for c in found.components] == [
        "pkg:npm/a@1.2.0",
        "pkg:npm/b@2.0.0",
        "pkg:npm/b@3.0.0",
    ]
    a = found.components[0]
    # Where a human asked for it comes first.
    assert [(p.path, p.line) for p in a.places] == [("package.json", 3), ("package-lock.json", 9)]
    assert (a.relation.value, a.licence) == ("direct", "MIT")
    assert a.requires == ("pkg:npm/b@2.0.0", "pkg:npm/b@3.0.0")
    assert found.unpinned == ()
    assert found.files == ("package-lock.json", "package.json")


def test_a_manifest_without_a_lockfile_is_unpinned() -> None:
    found = of({"package.json": '{"dependencies": {"a": "^1", "c": "1.0.0"}}'})
    assert [one.name for one in found.unpinned] == ["a"]
    assert [c.purl for c in found.components] == ["pkg:npm/a", "pkg:npm/c@1.0.0"]


def test_a_lockfile_binds_what_is_beside_and_below_it() -> None:
    manifest = '{"dependencies": {"a": "^1"}}'
    below = of({"package-lock.json": LOCK, "packages/x/package.json": manifest})
    assert below.unpinned == ()
    beside = of({"one/package-lock.json": LOCK, "two/package.json": manifest})
    assert [one.span.path for one in beside.unpinned] == ["two/package.json"]
    # The version of one is no version of the other.
    assert "pkg:npm/a" in [c.purl for c in beside.components]


def test_a_broken_lockfile_binds_nothing() -> None:
    found = of({"package.json": '{"dependencies": {"a": "^1"}}', "package-lock.json": "{"})
    assert [one.name for one in found.unpinned] == ["a"]
    assert [p.span.path for p in found.problems] == ["package-lock.json"]


def test_what_is_missing_is_a_problem() -> None:
    found = of({"requirements.txt": "-r other.txt\n"})
    assert [p.message for p in found.problems] == ["`other.txt` is included and not there"]


def test_package_urls() -> None:
    digest = "sha256:" + "a" * 64
    found = of(
        {
            "Dockerfile": f"FROM ghcr.io/org/app:1@{digest}\n",
            "go.mod": "module x\nrequire github.com/a/b/v2 v2.0.0\n",
            "pom.xml": "<project><dependencies><dependency><groupId>g</groupId><artifactId>a"
            "</artifactId><version>1</version></dependency></dependencies></project>",
            "package.json": '{"dependencies": {"@s/p": "1.0.0", "x": "git+https://u:p@h.example/x"}}',
            ".github/workflows/a.yml": "jobs: {a: {steps: [{uses: actions/checkout@v4}]}}",
        }
    )
    assert {c.purl for c in found.components} == {
        f"pkg:docker/org/app@1?digest={digest}&repository_url=ghcr.io",
        "pkg:golang/github.com/a/b/v2@v2.0.0",
        "pkg:maven/g/a@1",
        "pkg:npm/%40s/p@1.0.0",
        "pkg:npm/x?vcs_url=git%2Bhttps://h.example/x",
        "pkg:githubactions/actions/checkout@v4",
    }
