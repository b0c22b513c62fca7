"""A picked commit says what `git cherry-pick -x` would have it say."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from merge_rival import merge
from vcs_worktree import ENVIRONMENT, WorkTree, new_tree

from headgate.model.ids import Commit
from headgate.model.queue import MergeMode
from headgate.vcs.merge import MergeConflict, Merged, NothingToMerge
from headgate.vcs.objects import RawCommit, format_commit, parse_commit, write_object

WHO = "Zoë <zoe@example.org> 1700000000 +0100"

lines = st.sampled_from(
    (
        "Subject",
        "",
        "",
        "  ",
        " indented",
        "Signed-off-by: Ada <a@b>",
        "Reviewed-by: Bo",
        "Key : value",
        "No trailer: really",
        "Co-authored-by: Cy <c@d>",
        "text",
        "(cherry picked from commit 1111111111111111111111111111111111111111)",
        "# comment",
        "Conflicts:",
        "\tpath/of/conflict",
        "# ------------------------ >8 ------------------------",
        "trailing  ",
        "grüße",
        "a:b",
        ":",
        "\r",
    )
)
messages = st.lists(lines, max_size=9).flatmap(
    lambda found: st.sampled_from(("\n".join(found), "\n".join(found) + "\n"))
)


def picked_by_git(tree: WorkTree, onto: Commit, pick: Commit) -> bytes:
    tree.git("checkout", "-q", "--detach", onto)
    tree.git("cherry-pick", "-x", "--allow-empty", pick)
    return content(tree, tree.head())


def content(tree: WorkTree, commit: str) -> bytes:
    return subprocess.run(
        ["git", "cat-file", "commit", commit],
        cwd=tree.path,
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    ).stdout


def compare(tree: WorkTree, message: bytes, encoding: bytes = b"", author: bytes = b"") -> None:
    path = tree.path / ".git"
    base = tree.commit("Base", {"a": "1"})
    onto = tree.commit("Onto", {"a": "2"})
    tree.git("checkout", "-q", "--detach", base)
    child = tree.commit("Child", {"b": "1"})
    kept = parse_commit(content(tree, child))
    who = author or WHO.encode()
    raw = RawCommit(kept.tree, (base,), who, who, encoding, message)
    pick = Commit(write_object(path, "commit", format_commit(raw)))
    theirs = parse_commit(picked_by_git(tree, onto, pick))
    found = merge(path, onto, pick, MergeMode.CHERRY_PICK)
    assert isinstance(found, Merged)
    ours = parse_commit(content(tree, found.commit))
    assert ours.message == theirs.message
    assert (ours.tree, ours.parents, ours.author) == (theirs.tree, theirs.parents, theirs.author)
    assert ours.encoding == theirs.encoding == b""
    assert f"(cherry picked from commit {pick})\n".encode() in ours.message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages)
@example("Subject\n\nText\n\nSigned-off-by: A\ntext\ntext\ntext\n")
@example("Subject\n\nSigned-off-by: A\n more\nother\n\n# comment\n")
@example("Subject\n\nReviewed-by: A\n\nConflicts:\n\ta\n")
def test_any_message_becomes_what_git_makes_of_it(message: str) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        compare(new_tree(Path(place) / "tree"), message.encode())


@pytest.mark.parametrize(
    ("message", "encoding"),
    [
        ("Grüße\n".encode("latin-1"), b"ISO-8859-1"),
        ("Grüße\n".encode("latin-1"), b""),
        ("Grüße\n".encode(), b"UTF-8"),
        ("Grüße\n".encode("latin-1"), b"no-such-encoding"),
        (b"\n\n  \nLate subject\n", b""),
    ],
)
def test_messages_become_utf8(tree: WorkTree, message: bytes, encoding: bytes) -> None:
    author = "Zoë <zoe@example.org> 1700000000 +0100"
    compare(
        tree, message, encoding, author.encode("latin-1" if encoding[:3] == b"ISO" else "utf-8")
    )


def log(tree: WorkTree, onto: str, head: str) -> list[str]:
    return tree.git("log", "--reverse", "--format=%an|%s|%cn", f"{onto}..{head}").splitlines()


def test_every_commit_is_picked_and_its_author_kept(tree: WorkTree) -> None:
    """Even those that stand on the branch already in all but name: they get a line, too."""
    onto = tree.commit("Onto", {"a": "1"})
    tree.commit("One", {"b": "1"})
    head = tree.commit("Two", {"c": "1"})
    found = merge(tree.path / ".git", onto, head, MergeMode.CHERRY_PICK)
    assert isinstance(found, Merged)
    assert found.commit != head
    assert log(tree, onto, found.commit) == ["Ada|One|Headgate", "Ada|Two|Headgate"]
    assert tree.git("log", "-1", "--format=%b", found.commit).strip() == (
        f"(cherry picked from commit {head})"
    )


def test_what_is_empty_stays_and_what_becomes_empty_is_left_out(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"a": "2"})
    tree.git("checkout", "-q", "change")
    tree.commit("Same as onto", {"a": "2"})
    tree.commit("Empty")
    head = tree.commit("New", {"b": "1"})
    found = merge(tree.path / ".git", onto, head, MergeMode.CHERRY_PICK)
    assert isinstance(found, Merged)
    assert log(tree, onto, found.commit) == ["Ada|Empty|Headgate", "Ada|New|Headgate"]


def test_nothing_is_left_when_all_becomes_empty(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"a": "2"})
    tree.git("checkout", "-q", "change")
    head = tree.commit("Same as onto", {"a": "2"})
    found = merge(tree.path / ".git", onto, head, MergeMode.CHERRY_PICK)
    assert isinstance(found, NothingToMerge)


def test_a_merge_in_the_change_is_refused_in_words(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1"})
    tree.git("checkout", "-q", "-b", "side")
    tree.commit("Side", {"b": "1"})
    tree.git("checkout", "-q", "-b", "change", "main")
    tree.commit("Change", {"c": "1"})
    tree.git("merge", "-q", "--no-ff", "-m", "Join side", "side")
    merged = tree.head()
    head = tree.commit("More", {"d": "1"})
    onto = tree.git("rev-parse", "main")
    found = merge(tree.path / ".git", onto, head, MergeMode.CHERRY_PICK)
    assert isinstance(found, MergeConflict)
    assert found.paths == ()
    assert found.detail.startswith(f"{merged[:10]} (Join side) is a merge, and a merge cannot")
    tree.git("checkout", "-q", "--detach", onto)
    assert "is a merge but no -m option was given" in tree.git(
        "cherry-pick", "-x", f"{onto}..{head}", check=False
    )


def test_a_conflict_names_the_commit_that_cannot_be_picked(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1\n"})
    tree.git("branch", "change")
    onto = tree.commit("Onto", {"a": "2\n"})
    tree.git("checkout", "-q", "change")
    head = tree.commit("Harmful", {"a": "3\n"})
    found = merge(tree.path / ".git", onto, head, MergeMode.CHERRY_PICK)
    assert isinstance(found, MergeConflict)
    assert found.paths == ("a",)
    assert f"Replaying {head[:10]} (Harmful)" in found.detail
