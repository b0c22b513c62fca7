"""What a push may not bring."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from vcs_worktree import WorkTree

from headgate.model.ids import Commit
from headgate.vcs.limits import inspect_push, remarks, shown
from headgate.vcs.repository import Repository


async def arrived(tree: WorkTree) -> tuple[Repository, Commit]:
    """The repository as the push finds it, with the new objects but no ref to them."""
    base = Commit(tree.git("rev-parse", "base"))
    repository = await Repository.create(tree.path.parent / "bare.git", "main")
    tree.git("push", "-q", str(repository.path), "base:refs/heads/main", "HEAD:refs/x/new")
    assert await repository.update_ref("refs/x/new", None, tree.head())
    return repository, base


def begun(tree: WorkTree) -> None:
    tree.commit("Base", {"a": "1", "dir/b": "2"})
    tree.git("branch", "base")


async def test_an_ordinary_push_has_no_problem(tree: WorkTree) -> None:
    begun(tree)
    tree.link("dir/link", "../a")
    tree.link("loop", "loop")
    head = tree.commit("Change", {"c": "x" * 1000})
    repository, base = await arrived(tree)
    assert await inspect_push(repository, head) == []
    assert await remarks(repository, base, head) == []


async def test_a_large_file_is_named_even_when_a_later_commit_removes_it(tree: WorkTree) -> None:
    begun(tree)
    tree.commit("Large", {"data\n.bin": b"\0" * 52_000_000})
    head = tree.commit("Small again", remove="data\n.bin")
    repository, _ = await arrived(tree)
    (problem,) = await inspect_push(repository, head)
    assert problem.endswith(
        "has 52 MB, more than the 50 MB that one file may have: keep it out of git."
    )
    assert "\n" not in problem
    assert await inspect_push(repository, head, largest_file=60_000_000) == []


async def test_symlinks_out_of_the_tree_are_named(tree: WorkTree) -> None:
    begun(tree)
    tree.link("absolute", "/etc/passwd")
    tree.link("dir/up", "../../x")
    tree.link("fine", "dir/../a")
    tree.link("weird", "/etc/\nx")
    head = tree.commit("Links")
    repository, _ = await arrived(tree)
    problems = await inspect_push(repository, head)
    assert len(problems) == 3
    assert problems[0].startswith("absolute is a symlink to /etc/passwd, which is outside")
    assert problems[1].startswith("dir/up is a symlink to ../../x,")
    assert '"/etc/\\nx"' in problems[2]


async def test_a_symlink_that_leaves_through_another_is_named(tree: WorkTree) -> None:
    begun(tree)
    tree.link("p/q/down", "../../dir")
    tree.link("sly", "p/q/down/../..")
    head = tree.commit("Links")
    repository, _ = await arrived(tree)
    (problem,) = await inspect_push(repository, head)
    assert problem.startswith("sly is a symlink")


async def test_a_symlink_that_was_there_before_is_not_held_against_the_push(
    tree: WorkTree,
) -> None:
    tree.link("old", "/usr/share/x")
    begun(tree)
    tree.link("new", "a")
    head = tree.commit("Change")
    repository, _ = await arrived(tree)
    assert await inspect_push(repository, head) == []


async def test_a_symlink_of_a_middle_commit_counts(tree: WorkTree) -> None:
    begun(tree)
    tree.link("out", "/etc")
    tree.commit("Link")
    head = tree.commit("Gone", remove="out")
    repository, _ = await arrived(tree)
    assert len(await inspect_push(repository, head)) == 1


async def test_many_problems_are_summed_up(tree: WorkTree) -> None:
    begun(tree)
    for n in range(20):
        tree.link(f"l{n:02}", "/etc")
    head = tree.commit("Links")
    repository, _ = await arrived(tree)
    problems = await inspect_push(repository, head)
    assert len(problems) == 6
    assert problems[-1] == "There are 15 more problems of this kind."


async def test_odd_names_and_submodules_are_remarked_upon(tree: WorkTree) -> None:
    begun(tree)
    at = tree.head()
    tree.write("new\nline", "x")
    tree.write(b"caf\xe9", "x")
    tree.write(
        ".gitmodules",
        '[submodule "one"]\n\tpath = one\n\turl = ../one.git\n'
        '[submodule "two"]\n\tpath = two\n\turl = https://example.org/two.git\n',
    )
    for name in ("one", "two", "three"):
        tree.git("update-index", "--add", "--cacheinfo", f"160000,{at},{name}")
    tree.git("add", "new\nline", b"caf\xe9", ".gitmodules")
    tree.git("commit", "-q", "-m", "Odd")
    repository, base = await arrived(tree)
    assert await inspect_push(repository, tree.head()) == []
    found = await remarks(repository, base, tree.head())
    assert found == [
        'The name "caf\\xe9" is not UTF-8.',
        'The name "new\\nline" has characters that cannot be seen.',
        "one is a submodule with the relative URL ../one.git; its files are not part of any check.",
        "three is a submodule that .gitmodules gives no URL for; "
        "its files are not part of any check.",
        "two is a submodule with the URL https://example.org/two.git; "
        "its files are not part of any check.",
    ]


@given(st.binary(min_size=1))
def test_any_name_can_be_shown_on_one_line(name: bytes) -> None:
    text = shown(name.decode("utf-8", "surrogateescape"))
    assert text.isprintable()
    text.encode("utf-8")
    assert Path(text)
