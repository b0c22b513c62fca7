"""What happened to packages between two states, and what the check makes of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.compare import added, everything, read_files
from headgate.deps.difference import Difference, Kind, compare
from headgate.deps.tree import check_tree
from headgate.model.config import DependencyPolicy
from headgate.model.finding import Outcome


def lock(*packages: tuple[str, str], **hashes: str) -> dict[str, bytes]:
    """A package-lock.json, its hashes by name."""
    entries: dict[str, object] = {"": {"dependencies": {name: "*" for name, _ in packages}}}
    for name, version in packages:
        place = f"node_modules/{name}"
        while place in entries:
            place = f"node_modules/above/{place}"
        entries[place] = {
            "version": version,
            "resolved": f"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz",
            "integrity": hashes.get(name, "sha512-aa=="),
        }
    return {"package-lock.json": json.dumps({"lockfileVersion": 3, "packages": entries}).encode()}


def difference(before: dict[str, bytes], after: dict[str, bytes]) -> Difference:
    return compare(everything(read_files(before)), everything(read_files(after)))


def told(found: Difference) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (
            move.kind.value,
            move.one.name,
            move.before and move.before.version,
            move.after and move.after.version,
        )
        for move in found.moves
    ]


def test_the_five_things_that_happen() -> None:
    before = lock(("a", "1.0.0"), ("b", "1.0.0"), ("c", "1.0.0"), ("d", "1.0.0"))
    after = lock(("a", "1.0.0"), ("c", "2.0.0"), ("d", "1.0.0"), ("e", "1.0.0"), d="sha512-bb==")
    assert told(difference(before, after)) == [
        ("removed", "b", "1.0.0", None),
        ("version changed", "c", "1.0.0", "2.0.0"),
        ("hash changed", "d", "1.0.0", "1.0.0"),
        ("added", "e", None, "1.0.0"),
    ]


def test_a_second_version_is_a_change_of_versions() -> None:
    found = difference(lock(("a", "1.0.0")), lock(("a", "1.0.0"), ("a", "2.0.0")))
    assert told(found) == [("version changed", "a", None, "2.0.0")]


def test_another_source() -> None:
    before = {"requirements.txt": b"jinja2==3.1\n"}
    after = {"requirements.txt": b"jinja2 @ git+https://git.example/jinja2\n"}
    assert [move.kind for move in difference(before, after).moves] == [Kind.SOURCE]


def test_one_wheel_more_is_no_change_and_another_wheel_is_one() -> None:
    def pin(*hashes: str) -> dict[str, bytes]:
        marks = " ".join(f"--hash=sha256:{h}" for h in hashes)
        return {"requirements.txt": f"six==1.0 {marks}\n".encode()}

    assert difference(pin("aa"), pin("aa", "bb")).moves == ()
    assert difference(pin("aa", "bb"), pin("aa")).moves == ()
    assert told(difference(pin("aa", "bb"), pin("aa", "cc"))) == [
        ("hash changed", "six", "1.0", "1.0")
    ]


def test_a_lockfile_does_not_vouch_for_another() -> None:
    one = lock(("a", "1.0.0"))["package-lock.json"]
    other = lock(("a", "1.0.0"), a="sha512-bb==")["package-lock.json"]
    before = {"package-lock.json": one, "sub/package-lock.json": one}
    after = {"package-lock.json": one, "sub/package-lock.json": other}
    found = difference(before, after)
    assert [(m.kind, m.one.span.path) for m in found.moves] == [
        (Kind.HASH, "sub/package-lock.json")
    ]


def test_a_replaced_artifact_is_a_finding() -> None:
    before, after = lock(("a", "1.0.0")), lock(("a", "1.0.0"), a="sha512-bb==")
    for policy in (None, DependencyPolicy()):
        result = check_tree(after, before, policy)
        assert result.outcome is Outcome.FAILED
        assert [f.rule for f in result.findings] == ["dependency/hash-changed"]
        assert "another hash than before" in result.findings[0].message


def test_a_lockfile_that_names_another_index_is_a_finding() -> None:
    before = lock(("a", "1.0.0"))
    text = before["package-lock.json"].replace(b"registry.npmjs.org", b"npm.evil.example")
    result = check_tree({"package-lock.json": text}, before)
    assert [f.rule for f in result.findings] == ["dependency/other-index"]


def test_what_a_package_brings_along_is_not_new_by_itself() -> None:
    manifest = b'{"dependencies": {"a": "1"}}'
    entries = {
        "": {"dependencies": {"a": "1"}},
        "node_modules/a": {
            "version": "1.0.0",
            "integrity": "sha512-aa==",
            "dependencies": {"b": "*"},
        },
        "node_modules/b": {"version": "1.0.0", "integrity": "sha512-aa=="},
    }
    text = json.dumps({"lockfileVersion": 3, "packages": entries}).encode()
    files = {"package.json": manifest, "package-lock.json": text}
    result = check_tree(files, {}, DependencyPolicy())
    assert [(f.rule, f.span.path) for f in result.findings] == [
        ("dependency/unapproved", "package.json")
    ]
    # Asked for directly later, it is new.
    later = {"package.json": b'{"dependencies": {"a": "1", "b": "1"}}', "package-lock.json": text}
    result = check_tree(later, files, DependencyPolicy())
    assert ["`b`" in f.message for f in result.findings] == [True]


def test_a_lockfile_that_nobody_can_read_is_never_clean() -> None:
    result = check_tree({"uv.lock": b"version = 1\n[[package]]\nname ="}, {})
    assert result.outcome is Outcome.FAILED
    assert [f.rule for f in result.findings] == ["dependency/unreadable"]


PACKAGES = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from(["1.0.0", "1.1.0", "2.0.0"]), max_size=6
)


@given(PACKAGES, PACKAGES)
def test_it_is_the_set_difference(old: dict[str, str], new: dict[str, str]) -> None:
    found = difference(lock(*old.items()), lock(*new.items()))
    names = {kind: {m.one.name for m in found.of(kind)} for kind in Kind}
    assert names[Kind.ADDED] == new.keys() - old.keys()
    assert names[Kind.REMOVED] == old.keys() - new.keys()
    assert names[Kind.VERSION] == {n for n in old.keys() & new.keys() if old[n] != new[n]}
    assert names[Kind.HASH] == names[Kind.SOURCE] == set()
    again = added(read_files(lock(*old.items())), read_files(lock(*new.items())))
    assert {d.name for d in again.declared} == names[Kind.ADDED]
    assert again.difference == found
