"""Digests of what patterns match: equal exactly when what a job is shown is."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vcs_worktree import WorkTree, new_tree

from headgate.model.errors import NotFound
from headgate.model.ids import Commit
from headgate.model.patterns import matches
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository


def reader(tree: WorkTree) -> ReadDigests:
    return ReadDigests(Repository(tree.path / ".git"))


async def test_only_what_matches_counts(tree: WorkTree) -> None:
    one = tree.commit("One", {"src/a.py": "1", "src/deep/b.py": "1", "docs/x.md": "1", "top": "1"})
    two = tree.commit("Two", {"docs/x.md": "2"})
    three = tree.commit("Three", {"src/deep/b.py": "2"})
    read = reader(tree)
    for patterns in (("src/**",), ("src/",), ("*.py",), ("src/**", "top"), ("src/deep/*.py",)):
        digests = [await read.digest(commit, patterns) for commit in (one, two, three)]
        assert digests[0] == digests[1] != digests[2], patterns
    whole = {await read.digest(commit) for commit in (one, two, three)}
    assert len(whole) == 3
    assert await read.digest(one, ("docs/**",)) != await read.digest(two, ("docs/**",))
    assert await read.digest(one, ("a", "b")) == await read.digest(one, ("b", "a", "b"))


async def test_modes_names_and_attributes_count(tree: WorkTree) -> None:
    tree.write("src/a", "x")
    plain = tree.commit("Plain")
    tree.write("src/a", "x", 0o755)
    runs = tree.commit("Runs")
    tree.git("mv", "src/a", "src/b")
    moved = tree.commit("Moved")
    tree.write(".gitattributes", "* text eol=crlf\n")
    attributes = tree.commit("Attributes")
    read = reader(tree)
    digests = {await read.digest(c, ("src/?",)) for c in (plain, runs, moved, attributes)}
    assert len(digests) == 4


async def test_a_commit_that_is_not_there_is_told(tree: WorkTree) -> None:
    tree.commit("One", {"a": "1"})
    with pytest.raises(NotFound, match="There is no commit 1111111111"):
        await reader(tree).digest(Commit("1" * 40), ("a",))


async def test_what_was_read_is_not_read_again(tree: WorkTree) -> None:
    one = tree.commit("One", {f"d{n}/e/f": str(n) for n in range(9)})
    repository = Repository(tree.path / ".git")
    read = ReadDigests(repository)
    before = await read.digest(one, ("*/e/f",))
    two = tree.commit("Two", {"d0/e/f": "other"})
    asked: list[str] = []
    trees = repository.trees

    async def counted(ids: list[str]) -> Mapping[str, bytes]:
        asked.extend(ids)
        return await trees(ids)

    repository.trees = counted  # type: ignore[assignment, method-assign]
    assert await read.digest(one, ("*/e/f",)) == before
    assert asked == []
    assert await read.digest(two, ("*/e/f",)) != before
    assert len(asked) == 3  # The root, d0 and d0/e.


_FILES = st.dictionaries(
    st.sampled_from(["a/x", "a/b/x", "a/b/y", "c/x", "c/y", "z"]),
    st.sampled_from(["1", "2"]),
    min_size=1,
)
_PATTERNS = st.lists(
    st.sampled_from(["a/**", "a/*", "b", "x", "c/", "z", "**/y", "a/b/?"]), min_size=1, max_size=3
)


@settings(deadline=None, max_examples=25)
@given(_FILES, _FILES, _PATTERNS)
def test_digests_are_equal_exactly_when_the_matching_files_are(
    first: dict[str, str], second: dict[str, str], patterns: list[str]
) -> None:
    async def digests(place: Path) -> list[str]:
        tree = new_tree(place / "tree")
        commits: list[Commit] = []
        for files in (first, second):
            tree.git("rm", "-rqf", "--ignore-unmatch", ".")
            commits.append(tree.commit("State", files))
        read = reader(tree)
        return [await read.digest(commit, tuple(patterns)) for commit in commits]

    with tempfile.TemporaryDirectory() as place:
        one, two = asyncio.run(digests(Path(place)))
    seen = [{p: t for p, t in files.items() if matches(p, patterns)} for files in (first, second)]
    assert (one == two) == (seen[0] == seen[1])
