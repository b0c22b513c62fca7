"""Merging in process is done where it is plain what git would make, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from merge_rival import counted
from vcs_worktree import WorkTree

from headgate.model.ids import Commit, Tree
from headgate.model.queue import MergeMode
from headgate.vcs.batch import ObjectReader
from headgate.vcs.forest import Forest, OddTree, parse_tree
from headgate.vcs.merge import MergeConflict, Merged, Ways
from headgate.vcs.objects import write_object
from headgate.vcs.splice import Splicer
from headgate.vcs.writing import ObjectWriter

LONG = "".join(f"line {n}\n" for n in range(20))
FIRST, SECOND = "1" * 40, "2" * 40

Step = Mapping[str, str | None]
"""Path → what becomes of it: a text, or `MODE:` and a text; None takes it away."""

BASE: Step = {
    "a": LONG,
    "d/a": LONG + "d/a\n",
    "d/b": LONG + "d/b\n",
    "d/x/c": LONG + "c\n",
    "run": "100755:#!/bin/sh\n",
    "link": "120000:a",
    "sub": f"160000:{FIRST}",
    ".gitattributes": "*.md merge=union\n",
    "n.md": "0\n",
    "caf\udce9/naïve": "1\n",
}

IN_PROCESS: dict[str, tuple[Step, Step]] = {
    "edits of different files": ({"a": "1"}, {"d/a": "2"}),
    "edits of neighbours": ({"d/a": "1"}, {"d/b": "2", "d/x/c": "2"}),
    "edits below names that are no UTF-8": ({"a": "1"}, {"caf\udce9/naïve": "2"}),
    "a file added": ({"a": "1"}, {"d/new": "2", "d-a": "2", "d.a": "2"}),
    "a directory added": ({"d/y/new": "1"}, {"d/z/e/new": "2"}),
    "the same added twice": ({"d/new/f": "1"}, {"d/new/f": "1", "a": "2"}),
    "the same edit twice": ({"a": "1"}, {"a": "1", "d/a": "2"}),
    "an exec bit": ({"d/a": "1"}, {"a": f"100755:{LONG}"}),
    "an exec bit taken away": ({"a": "1"}, {"run": "#!/bin/sh\n"}),
    "a symlink turned": ({"a": "1"}, {"link": "120000:d/a"}),
    "a submodule moved": ({"a": "1"}, {"sub": f"160000:{SECOND}"}),
    "a submodule added": ({"a": "1"}, {"other": f"160000:{SECOND}"}),
    "attributes changed": ({"a": "1"}, {".gitattributes": "* -merge\n"}),
    "nothing on one side": ({}, {"a": "2"}),
}

BY_GIT: dict[str, tuple[Step, Step]] = {
    "the same file edited twice": (
        {"a": LONG.replace("line 2\n", "1\n")},
        {"a": LONG.replace("line 18\n", "2\n")},
    ),
    "a conflict": ({"a": "1"}, {"a": "2"}),
    "a merge driver": ({"n.md": "0\n1\n"}, {"n.md": "0\n2\n"}),
    "an exec bit and an edit": ({"a": f"100755:{LONG}"}, {"a": LONG + "2\n"}),
    "a deletion there": ({"a": None}, {"d/a": "2"}),
    "a deletion here": ({"a": "1"}, {"d/a": None}),
    "a rename there": ({"d/a": None, "e": LONG + "d/a\n"}, {"d/a": LONG + "d/a\n2\n"}),
    "a rename here": ({"d/a": LONG + "d/a\n2\n"}, {"d/a": None, "e": LONG + "d/a\n"}),
    "a directory renamed": (
        {
            "d/a": None,
            "d/b": None,
            "d/x/c": None,
            "m/a": LONG + "d/a\n",
            "m/b": LONG + "d/b\n",
            "m/x/c": LONG + "c\n",
        },
        {"d/new": "2"},
    ),
    "a file for a symlink": ({"a": "1"}, {"link": "a\n"}),
    "a directory for a file": ({"d/a": "1"}, {"a": None, "a/b": "2"}),
    "a file for a directory": ({"caf\udce9/naïve": None, "caf\udce9": "1"}, {"a": "2"}),
    "a submodule for a file": ({"a": f"160000:{FIRST}"}, {"d/a": "2"}),
    "different files of one name added": ({"d/new": "1"}, {"d/new": "2"}),
    "a file and a directory of one name added": ({"new": "1"}, {"new/f": "2"}),
    "directories of one name added": ({"new/e": "1"}, {"new/f": "2"}),
    "a submodule moved in two ways": ({"sub": f"160000:{SECOND}"}, {"sub": "160000:" + "3" * 40}),
}


def step(tree: WorkTree, changes: Step) -> Commit:
    """Commit by way of the index, where submodules and odd names are no trouble."""
    for path, what in changes.items():
        if what is None:
            tree.git("update-index", "--force-remove", path)
            continue
        mode, colon, text = what.partition(":")
        if not (colon and mode.isdigit()):
            mode, text = "100644", what
        object_ = text
        if mode != "160000":
            object_ = tree.git("hash-object", "-w", "--stdin", text=text)
        tree.git("update-index", "--add", "--cacheinfo", f"{mode},{object_},{path}")
    tree.git("commit", "-q", "--allow-empty", "-m", "Step")
    return tree.head()


def forked(tree: WorkTree, ours: Step, theirs: Step) -> tuple[Commit, Commit]:
    base = step(tree, BASE)
    onto = step(tree, ours)
    tree.git("read-tree", base)
    tree.git("update-ref", "HEAD", base)
    return onto, step(tree, theirs)


@pytest.mark.parametrize("mode", list(MergeMode))
@pytest.mark.parametrize("case", IN_PROCESS)
def test_what_is_plain_is_merged_in_process(tree: WorkTree, case: str, mode: MergeMode) -> None:
    onto, head = forked(tree, *IN_PROCESS[case])
    path = tree.path / ".git"
    found, counts = counted(path, onto, head, mode)
    slow, asked = counted(path, onto, head, mode, ways=Ways.LONG_LIVED)
    assert isinstance(found, Merged)
    assert found == slow
    assert counts.asked == 0
    assert asked.spliced == 0
    assert counts.spliced == asked.asked
    tree.git("fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("case", BY_GIT)
def test_everything_else_is_left_to_git(tree: WorkTree, case: str) -> None:
    onto, head = forked(tree, *BY_GIT[case])
    path = tree.path / ".git"
    found, counts = counted(path, onto, head, MergeMode.MERGE)
    slow, _ = counted(path, onto, head, MergeMode.MERGE, ways=Ways.LONG_LIVED)
    assert (counts.spliced, counts.asked) == (0, 1)
    assert isinstance(found, Merged | MergeConflict)
    assert found == slow


def test_two_merge_bases_are_left_to_git(tree: WorkTree) -> None:
    """Git makes one of the two; it is not for us to say how."""
    tree.commit("Base", {"a": "1", "b": "1", "c": "1", "d": "1"})
    tree.git("branch", "other")
    left = tree.commit("Left", {"a": "2"})
    tree.git("checkout", "-q", "other")
    tree.commit("Right", {"b": "2"})
    tree.git("merge", "-q", "--no-ff", "-m", "Right with left", left)
    other = tree.commit("Other", {"d": "2"})
    tree.git("checkout", "-q", "main")
    tree.git("merge", "-q", "--no-ff", "-m", "Left with right", "other~2")
    onto = tree.commit("Onto", {"c": "2"})
    found, counts = counted(tree.path / ".git", onto, other, MergeMode.MERGE)
    assert isinstance(found, Merged)
    assert (counts.spliced, counts.asked) == (0, 1)


def raw_tree(*entries: tuple[bytes, bytes]) -> bytes:
    return b"".join(head + b"\0" + object_ for head, object_ in entries)


ID = bytes.fromhex(FIRST)
EMPTY = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")


@pytest.mark.parametrize(
    "data",
    [
        raw_tree((b"100664 a", ID)),
        raw_tree((b"040000 a", ID)),
        raw_tree((b"100644 b", ID), (b"100644 a", ID)),
        raw_tree((b"100644 a", ID), (b"100644 a", ID)),
        raw_tree((b"100644 a", ID), (b"40000 a", ID)),
        raw_tree((b"40000 a", ID), (b"100644 a.b", ID)),
        raw_tree((b"100644 a/b", ID)),
        raw_tree((b"100644 ", ID)),
        raw_tree((b"40000 a", EMPTY)),
        raw_tree((b"100644 a", ID))[:-1],
    ],
    ids=["mode", "zero", "order", "twice", "kinds", "sorting", "slash", "name", "empty", "short"],
)
def test_a_tree_that_git_would_write_otherwise_is_odd(data: bytes) -> None:
    with pytest.raises(OddTree):
        parse_tree(data)


async def test_odd_trees_are_left_to_git(tree: WorkTree) -> None:
    """Git would write a mode of old anew, and so change the tree around it."""
    path = tree.path / ".git"
    blobs = [bytes.fromhex(write_object(path, "blob", text)) for text in (b"1", b"2", b"3")]

    def root(mode: bytes, a: bytes, b: bytes) -> Tree:
        return Tree(write_object(path, "tree", raw_tree((b"100644 a", a), (mode + b" b", b))))

    for mode, taken in ((b"100644", True), (b"100664", False)):
        reader = ObjectReader(path)
        writer = ObjectWriter(path)
        splicer = Splicer(Forest(reader, writer))
        base = root(mode, blobs[0], blobs[0])
        found = await splicer.splice(
            base, root(mode, blobs[1], blobs[0]), root(mode, blobs[0], blobs[2])
        )
        assert found == (root(mode, blobs[1], blobs[2]) if taken else None)
        await reader.close()


async def test_trees_that_were_forgotten_are_read_again(
    tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little may be kept in memory, the tree is the same."""
    monkeypatch.setattr("headgate.vcs.forest._HELD", 3)
    monkeypatch.setattr("headgate.vcs.splice._MEMO", 2)
    base = step(tree, BASE)
    trees: list[Tree] = []
    for n, path in enumerate(("a", "d/a", "d/x/c", "d/new")):
        tree.git("read-tree", base)
        tree.git("update-ref", "HEAD", base)
        step(tree, {path: f"{n}"})
        trees.append(Tree(tree.git("rev-parse", "HEAD^{tree}")))
    reader = ObjectReader(tree.path / ".git")
    writer = ObjectWriter(tree.path / ".git")
    splicer = Splicer(Forest(reader, writer))
    start = Tree(tree.git("rev-parse", f"{base}^{{tree}}"))
    tip: Tree | None = start
    for each in trees:
        assert tip is not None
        tip = await splicer.splice(start, tip, each)
    assert tip is not None
    writer.flush()
    await reader.close()
    told = tree.git("diff-tree", "-r", "--name-only", start, tip)
    assert told.split() == ["a", "d/a", "d/new", "d/x/c"]
