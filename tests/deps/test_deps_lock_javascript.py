"""What JavaScript's lockfiles say, and how packages are smuggled into them."""

from __future__ import annotations

import json

import pytest

from headgate.deps.compare import read_files
from headgate.deps.lockfiles.interface import Parsed, SourceKind

MANIFEST = json.dumps(
    {
        "dependencies": {"express": "^4", "al": "npm:left-pad@1.3.0"},
        "devDependencies": {"chalk": "4"},
    }
)
EXPECTED = {
    "express": ("4.1.0", "direct", "production"),
    "accepts": ("1.3.8", "transitive", "production"),
    "left-pad": ("1.3.0", "direct", "production"),
    "chalk": ("4.1.2", "direct", "development"),
    "has-flag": ("4.0.0", "transitive", "development"),
}


def read(path: str, text: str, manifest: str = MANIFEST) -> Parsed:
    return read_files({path: text.encode(), "package.json": manifest.encode()}).parsed[path]


def told(parsed: Parsed) -> dict[str, tuple[str, str, str]]:
    assert parsed.problems == ()
    return {d.name: (d.version, d.relation.value, d.scope.value) for d in parsed.declared}


def tarball(name: str, version: str) -> str:
    return f"https://registry.npmjs.org/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


def npm_entry(name: str, version: str, /, **more: object) -> dict[str, object]:
    return {
        "version": version,
        "resolved": tarball(name, version),
        "integrity": "sha512-aa==",
        **more,
    }


NPM3 = {
    "lockfileVersion": 3,
    "packages": {
        "": {
            "dependencies": {"express": "^4", "al": "npm:left-pad@1.3.0"},
            "devDependencies": {"chalk": "4"},
        },
        "node_modules/express": npm_entry(
            "express", "4.1.0", license="MIT", dependencies={"accepts": "~1"}
        ),
        "node_modules/express/node_modules/accepts": npm_entry("accepts", "1.3.8"),
        "node_modules/al": npm_entry("left-pad", "1.3.0", name="left-pad"),
        "node_modules/chalk": npm_entry("chalk", "4.1.2", dev=True, dependencies={"has-flag": "*"}),
        "node_modules/has-flag": npm_entry("has-flag", "4.0.0", dev=True),
        "node_modules/inner": {"resolved": "packages/inner", "link": True},
        "packages/inner": {"name": "inner", "version": "1.0.0"},
    },
}


@pytest.mark.parametrize("path", ["package-lock.json", "npm-shrinkwrap.json"])
def test_npm(path: str) -> None:
    text = json.dumps(NPM3, indent=2)
    parsed = read(path, text)
    assert told(parsed) == EXPECTED
    express = parsed.declared[0]
    assert express.hashes == ("sha512-aa==",)
    assert (express.licence, express.requires) == ("MIT", ("accepts",))
    lines = text.split("\n")
    assert all(d.name in lines[d.span.line - 1] or d.name == "left-pad" for d in parsed.declared)
    assert parsed.indexes == ()


def test_what_nothing_needs_was_smuggled_in() -> None:
    lock = json.loads(json.dumps(NPM3))
    lock["packages"]["node_modules/one"] = npm_entry("one", "1.0.0", dependencies={"two": "*"})
    lock["packages"]["node_modules/two"] = npm_entry("two", "1.0.0", dependencies={"one": "*"})
    found = told(read("package-lock.json", json.dumps(lock, indent=2)))
    assert (found["one"][1], found["two"][1]) == ("unknown", "unknown")
    assert {name: one for name, one in found.items() if name in EXPECTED} == EXPECTED


def test_npm_version_1() -> None:
    lock = {
        "lockfileVersion": 1,
        "dependencies": {
            "express": npm_entry(
                "express",
                "4.1.0",
                requires={"accepts": "~1"},
                dependencies={"accepts": npm_entry("accepts", "1.3.8")},
            ),
            "al": {"version": "npm:left-pad@1.3.0", "integrity": "sha512-aa=="},
            "chalk": npm_entry("chalk", "4.1.2", dev=True, requires={"has-flag": "*"}),
            "has-flag": npm_entry("has-flag", "4.0.0", dev=True),
        },
    }
    assert told(read("package-lock.json", json.dumps(lock, indent=1))) == EXPECTED


def test_a_package_from_another_index_is_told_once() -> None:
    lock = json.loads(
        json.dumps(NPM3).replace("https://registry.npmjs.org", "https://npm.corp.example")
    )
    parsed = read("package-lock.json", json.dumps(lock, indent=2))
    assert [one.text for one in parsed.indexes] == ["https://npm.corp.example"]
    assert all(d.kind is SourceKind.REGISTRY for d in parsed.declared)


def test_an_address_that_holds_another_package_is_no_index() -> None:
    lock = json.loads(json.dumps(NPM3))
    entry = lock["packages"]["node_modules/express"]
    entry["resolved"] = tarball("express-evil", "4.1.0")
    express = read("package-lock.json", json.dumps(lock, indent=2)).declared[0]
    assert (express.kind, express.source) == (SourceKind.URL, tarball("express-evil", "4.1.0"))


def test_an_entry_that_nothing_asks_for_is_not_called_transitive_in_yarn() -> None:
    lock = 'smuggled@^1:\n  version "1.0.0"\n  resolved "https://registry.yarnpkg.com/smuggled/-/smuggled-1.0.0.tgz#aa"\n'
    assert told(read("yarn.lock", lock)) == {"smuggled": ("1.0.0", "unknown", "production")}


def test_yarn_1() -> None:
    def block(pattern: str, name: str, version: str, needs: str = "") -> str:
        url = tarball(name, version).replace("npmjs.org", "yarnpkg.com")
        return (
            f'{pattern}:\n  version "{version}"\n  resolved "{url}#aa"\n  integrity sha512-aa==\n'
            + (f'  dependencies:\n    {needs} "~1"\n' if needs else "")
        )

    text = "# yarn lockfile v1\n\n\n" + "\n".join(
        [
            block('accepts@~1, "accepts@^1.3 || ^2"', "accepts", "1.3.8"),
            block('"al@npm:left-pad@1.3.0"', "left-pad", "1.3.0"),
            block("chalk@4", "chalk", "4.1.2", "has-flag"),
            block("express@^4", "express", "4.1.0", "accepts"),
            block("has-flag@~1", "has-flag", "4.0.0"),
        ]
    )
    parsed = read("yarn.lock", text)
    assert told(parsed) == EXPECTED
    assert [d.span.line for d in parsed.declared] == [4, 9, 14, 21, 28]


def test_yarn_berry() -> None:
    text = """\
__metadata:
  version: 8
  cacheKey: 10c0

"accepts@npm:~1":
  version: 1.3.8
  resolution: "accepts@npm:1.3.8"
  checksum: 10c0/aa
  languageName: node
  linkType: hard

"al@npm:left-pad@1.3.0":
  version: 1.3.0
  resolution: "left-pad@npm:1.3.0"
  linkType: hard

"chalk@npm:4":
  version: 4.1.2
  resolution: "chalk@npm:4.1.2"
  dependencies:
    has-flag: "npm:*"
  linkType: hard

"express@npm:^4":
  version: 4.1.0
  resolution: "express@npm:4.1.0"
  dependencies:
    accepts: "npm:~1"
  checksum: 10c0/bb
  linkType: hard

"has-flag@npm:*":
  version: 4.0.0
  resolution: "has-flag@npm:4.0.0"
  linkType: hard

"x@workspace:.":
  version: 0.0.0-use.local
  resolution: "x@workspace:."
  linkType: soft
"""
    parsed = read("yarn.lock", text)
    assert told(parsed) == EXPECTED
    assert parsed.declared[0].hashes == ("10c0/aa",)


def test_yarn_berry_from_elsewhere() -> None:
    text = """\
__metadata:
  version: 8

"a@patch:a@npm%3A1.0.0#./a.patch":
  version: 1.0.0
  resolution: "a@patch:a@npm%3A1.0.0#./a.patch::version=1.0.0&hash=aa"

"b@https://git.example/b.git":
  version: 2.0.0
  resolution: "b@https://git.example/b.git#commit=0123"

"c@file:./c":
  version: 3.0.0
  resolution: "c@file:./c#./c::hash=aa&locator=x%40workspace%3A."

"d@npm:1":
  version: 1.0.0
  resolution: "d@npm:1.0.0::__archiveUrl=https%3A%2F%2Fnpm.corp.example%2Fd%2F-%2Fd-1.0.0.tgz"
"""
    parsed = read("yarn.lock", text)
    assert [(d.name, d.version, d.kind.value) for d in parsed.declared] == [
        ("a", "1.0.0", "registry"),
        ("b", "2.0.0", "git"),
        ("c", "3.0.0", "path"),
        ("d", "1.0.0", "registry"),
    ]
    assert [one.text for one in parsed.indexes] == ["https://npm.corp.example"]


PNPM9 = """\
lockfileVersion: '9.0'

settings:
  autoInstallPeers: true

importers:

  .:
    dependencies:
      al:
        specifier: npm:left-pad@1.3.0
        version: left-pad@1.3.0
      express:
        specifier: ^4
        version: 4.1.0(supports-color@8.0.0)
      near:
        specifier: workspace:*
        version: link:packages/near
    devDependencies:
      chalk:
        specifier: '4'
        version: 4.1.2

packages:

  accepts@1.3.8:
    resolution: {integrity: sha512-aa==}
    engines: {node: '>= 0.6'}

  chalk@4.1.2:
    resolution: {integrity: sha512-bb==}

  express@4.1.0:
    resolution: {integrity: sha512-cc==}

  has-flag@4.0.0:
    resolution: {integrity: sha512-dd==}

  left-pad@1.3.0:
    resolution: {integrity: sha512-ee==}
    deprecated: use String.prototype.padStart()

snapshots:

  accepts@1.3.8: {}

  chalk@4.1.2:
    dependencies:
      has-flag: 4.0.0

  express@4.1.0(supports-color@8.0.0):
    dependencies:
      accepts: 1.3.8

  has-flag@4.0.0: {}

  left-pad@1.3.0: {}
"""

PNPM6 = """\
lockfileVersion: '6.0'

dependencies:
  al:
    specifier: npm:left-pad@1.3.0
    version: /left-pad@1.3.0
  express:
    specifier: ^4
    version: 4.1.0

devDependencies:
  chalk:
    specifier: '4'
    version: 4.1.2

packages:

  /accepts@1.3.8:
    resolution: {integrity: sha512-aa==}
    dev: false

  /chalk@4.1.2:
    resolution: {integrity: sha512-bb==}
    dependencies:
      has-flag: 4.0.0
    dev: true

  /express@4.1.0:
    resolution: {integrity: sha512-cc==}
    dependencies:
      accepts: 1.3.8
    dev: false

  /has-flag@4.0.0:
    resolution: {integrity: sha512-dd==}
    dev: true

  /left-pad@1.3.0:
    resolution: {integrity: sha512-ee==}
"""

PNPM5 = """\
lockfileVersion: 5.4

specifiers:
  al: npm:left-pad@1.3.0
  express: ^4
  chalk: '4'

dependencies:
  al: /left-pad/1.3.0
  express: 4.1.0

devDependencies:
  chalk: 4.1.2

packages:

  /accepts/1.3.8:
    resolution: {integrity: sha512-aa==}

  /chalk/4.1.2:
    resolution: {integrity: sha512-bb==}
    dependencies:
      has-flag: 4.0.0

  /express/4.1.0_supports-color@8.0.0:
    resolution: {integrity: sha512-cc==}
    dependencies:
      accepts: 1.3.8

  /has-flag/4.0.0:
    resolution: {integrity: sha512-dd==}

  /left-pad/1.3.0:
    resolution: {integrity: sha512-ee==}
""".replace("  express: 4.1.0\n", "  express: 4.1.0_supports-color@8.0.0\n")


@pytest.mark.parametrize("text", [PNPM9, PNPM6, PNPM5], ids=["9", "6", "5"])
def test_pnpm(text: str) -> None:
    parsed = read("pnpm-lock.yaml", text)
    assert told(parsed) == EXPECTED
    lines = text.split("\n")
    assert all(d.name in lines[d.span.line - 1] for d in parsed.declared)
    assert {h for d in parsed.declared for h in d.hashes} >= {"sha512-aa==", "sha512-ee=="}
    # Written in another way of YAML, it says the same.
    flow = text.replace(
        "resolution: {integrity: sha512-aa==}",
        'resolution:\n      ? integrity\n      : "sha512-aa=="',
    )
    assert told(read("pnpm-lock.yaml", flow)) == EXPECTED


def test_pnpm_from_elsewhere() -> None:
    text = """\
lockfileVersion: '9.0'
packages:
  a@https://codeload.github.com/x/a/tar.gz/0123:
    resolution: {tarball: https://codeload.github.com/x/a/tar.gz/0123}
    version: 1.0.0
  b@git+https://git.example/b.git#0123:
    resolution: {commit: 0123, repo: https://git.example/b.git, type: git}
    version: 2.0.0
  c@file:c:
    resolution: {directory: c, type: directory}
"""
    parsed = read("pnpm-lock.yaml", text)
    assert [(d.name, d.version, d.kind.value) for d in parsed.declared] == [
        ("a", "1.0.0", "url"),
        ("b", "2.0.0", "git"),
        ("c", "", "path"),
    ]


def test_bun() -> None:
    text = """\
{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "dependencies": { "express": "^4", "al": "npm:left-pad@1.3.0", },
      "devDependencies": { "chalk": "4" }, // a comment
    },
  },
  "packages": {
    "accepts": ["accepts@1.3.8", "", {}, "sha512-aa=="],

    "al": ["left-pad@1.3.0", "", {}, "sha512-bb=="],

    "chalk": ["chalk@4.1.2", "", { "dependencies": { "has-flag": "*" } }, "sha512-cc=="],

    "express": ["express@4.1.0", "", { "dependencies": { "accepts": "~1" } }, "sha512-dd=="],

    "chalk/has-flag": ["has-flag@4.0.0", "https://npm.corp.example/", {}, "sha512-ee=="],

    "near": ["near@workspace:packages/near"],
  }
}
"""
    parsed = read("bun.lock", text)
    assert told(parsed) == EXPECTED
    assert [d.span.line for d in parsed.declared] == [10, 12, 14, 16, 18]
    assert [one.text for one in parsed.indexes] == ["https://npm.corp.example"]


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("package-lock.json", '{"lockfileVersion": 7}', "version 7 of this format is not known"),
        ("package-lock.json", '{"lockfileVersion": 3}', "`packages` is missing"),
        ("package-lock.json", '{"lockfileVersion": 3, "packages": []}', "is not a table"),
        ("package-lock.json", '{"dependencies": {"a": {}}}', "`a` has no version"),
        ("package-lock.json", '{"dependencies": {"a": 3}}', "`a` is not a table"),
        (
            "package-lock.json",
            '{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "\\ud800"}}}',
            "no package and version",
        ),
        ("yarn.lock", "a@1:\n  resolved x\n", "`a@1` has no version"),
        ("yarn.lock", "<<<<<<< HEAD\n", "no entry of a yarn.lock"),
        ("yarn.lock", '  version "1"\n', "belongs to no entry"),
        ("yarn.lock", "__metadata:\n  version: 8\na: {}\n", "`a` has no resolution"),
        ("pnpm-lock.yaml", "lockfileVersion: '10.0'\n", "version `10.0` of this format"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  a@1.0.0: {}\n", "no resolution"),
        ("pnpm-lock.yaml", "- a\n", "not a YAML table"),
        ("bun.lock", '{"lockfileVersion": 1, "packages": {"a": []}}', "`a` is no package"),
        ("bun.lock", "{", "this is not JSON"),
    ],
)
def test_what_cannot_be_read_is_told(path: str, text: str, message: str) -> None:
    problems = read(path, text).problems
    assert any(message in problem.message for problem in problems), problems
