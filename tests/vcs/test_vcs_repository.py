"""What Headgate asks of a repository, on repositories that git made."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from vcs_worktree import WorkTree

from headgate.model.change import Signature
from headgate.model.errors import BadInput, Conflict, NotFound
from headgate.model.ids import NO_COMMIT, Commit
from headgate.vcs.git import GitError
from headgate.vcs.repository import Repository

ADA = Signature("Ada", "ada@example.org", 1_700_000_000)
UGLY = b'b\xff\xfe ugly\nname\t"x".txt'


async def opened(tree: WorkTree) -> Repository:
    return await Repository.clone(tree.path.parent / "bare.git", str(tree.path))


async def test_an_empty_repository_gets_its_first_commit_and_a_second(tmp_path: Path) -> None:
    repository = await Repository.create(tmp_path / "new.git", "trunk")
    assert await repository.default_branch() == "trunk"
    assert await repository.branches() == {}
    first = await repository.commit_files("trunk", {"a/b.txt": b"one"}, "Begin", ADA, None)
    second = await repository.commit_files("trunk", {"c": b"two"}, "Go on", ADA, first)
    assert await repository.branches() == {"trunk": second}
    assert [f.path for f in await repository.files(second)] == ["a/b.txt", "c"]
    info = await repository.info(second)
    assert (info.subject, info.parents, info.author) == ("Go on", (first,), ADA)
    with pytest.raises(Conflict, match="has moved"):
        await repository.commit_files("trunk", {"d": b""}, "Late", ADA, first)


async def test_a_branch_name_that_git_refuses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not usable as a branch name"):
        await Repository.create(tmp_path / "new.git", "..")


async def test_a_clone_has_the_branches_and_tags_and_the_default_branch(tree: WorkTree) -> None:
    head = tree.commit("One", {"a": "1"})
    tree.git("tag", "v1")
    tree.git("branch", "side")
    repository = await opened(tree)
    assert await repository.branches() == {"main": head, "side": head}
    assert await repository.refs("refs/tags/") == {"refs/tags/v1": head}
    assert await repository.default_branch() == "main"


async def test_a_detached_source_still_has_a_default_branch(tree: WorkTree) -> None:
    tree.commit("One", {"a": "1"})
    tree.git("checkout", "-q", "--detach")
    assert await (await opened(tree)).default_branch() == "main"


async def test_sources_that_cannot_be_cloned(
    tmp_path: Path, another: Callable[[str], WorkTree]
) -> None:
    target = tmp_path / "bare.git"
    with pytest.raises(BadInput, match="has no branch with commits"):
        await Repository.clone(target, str(another("empty").path))
    with pytest.raises(BadInput, match="cannot be read as a git repository"):
        await Repository.clone(target, str(tmp_path / "nowhere"))
    with pytest.raises(BadInput, match="is no repository"):
        await Repository.clone(target, "--upload-pack=touch /tmp/x")
    with pytest.raises(BadInput, match="cannot be read"):
        await Repository.clone(target, "ext::sh -c 'touch oops'")
    with pytest.raises(BadInput, match="cannot be read") as caught:
        await Repository.clone(target, "http://bob:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(caught.value)
    assert not target.exists()


async def test_a_shallow_source_is_refused_and_leaves_nothing(
    tree: WorkTree, tmp_path: Path
) -> None:
    tree.commit("One", {"a": "1"})
    tree.commit("Two", {"a": "2"})
    tree.git("clone", "-q", "--depth=1", f"file://{tree.path}", str(tmp_path / "shallow"))
    with pytest.raises(BadInput, match="could not be copied"):
        await Repository.clone(tmp_path / "bare.git", str(tmp_path / "shallow"))
    assert not (tmp_path / "bare.git").exists()


async def test_history_is_told_oldest_first(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    two = tree.commit("Two\n\nwhy", {"a": "2"})
    tree.git("checkout", "-q", "-b", "side", one)
    side = tree.commit("Side", {"b": "1"})
    repository = await opened(tree)
    assert [c.subject for c in await repository.commits(None, two)] == ["One", "Two"]
    assert [c.commit for c in await repository.commits(two, side)] == [side]
    assert (await repository.info(two)).message == "Two\n\nwhy\n"
    assert await repository.merge_base(two, side) == one
    assert await repository.is_ancestor(one, side)
    assert not await repository.is_ancestor(two, side)
    assert await repository.tree_of(two) == tree.git("rev-parse", f"{two}^{{tree}}")


async def test_unrelated_histories_have_no_merge_base(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    tree.git("checkout", "-q", "--orphan", "other")
    other = tree.commit("Other", {"b": "1"})
    assert await (await opened(tree)).merge_base(one, other) is None


async def test_names_resolve_or_do_not(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    tree.git("tag", "-a", "-m", "tag", "v1")
    repository = await opened(tree)
    for name in ("main", "refs/heads/main", one, one[:12], "v1", "HEAD"):
        assert await repository.resolve(name) == one
    for name in ("nothing", "", "--all", "main:a", "0" * 40, "a\0b", "main\nmain"):
        assert await repository.resolve(name) is None


async def test_odd_signatures_and_encodings_are_read(tree: WorkTree) -> None:
    tree.git("config", "i18n.commitEncoding", "latin-1")
    tree.write("a", "1")
    tree.git("add", "a")
    tree.path.joinpath("message").write_bytes("Grüße".encode("latin-1"))
    tree.git("commit", "-q", "-F", "message", "--author", "J. R. <>")
    info = await (await opened(tree)).info(tree.head())
    assert info.message == "Grüße\n"
    assert (info.author.name, info.author.email) == ("J. R", "")


async def test_a_message_that_is_not_utf8_can_be_stored(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    raw = tree.git("cat-file", "commit", one).encode()
    tree.write("raw", raw.replace(b"One", b"caf\xe9") + b"\n")
    tree.git("reset", "-q", "--hard", tree.git("hash-object", "-t", "commit", "-w", "raw"))
    info = await (await opened(tree)).info(tree.head())
    assert info.message == "caf\N{REPLACEMENT CHARACTER}\n"
    info.message.encode("utf-8")


async def test_a_missing_commit_is_named(tree: WorkTree) -> None:
    tree.commit("One", {"a": "1"})
    repository = await opened(tree)
    with pytest.raises(NotFound, match="no commit 1111111111"):
        await repository.info(Commit("1" * 40))
    with pytest.raises(GitError, match="diff-tree failed"):
        await repository.changed(Commit("1" * 40), Commit("2" * 40))


async def test_files_are_read_and_nothing_else_is(tree: WorkTree) -> None:
    tree.write("dir/file", b"\0binary")
    tree.write("*", b"star")
    tree.write(":(glob)x", b"magic")
    tree.write(UGLY, b"ugly")
    tree.link("link", "/etc/passwd")
    one = tree.commit("One")
    repository = await opened(tree)
    ugly = UGLY.decode("utf-8", "surrogateescape")
    assert await repository.file(one, "dir/file") == b"\0binary"
    assert await repository.file(one, "*") == b"star"
    assert await repository.file(one, ":(glob)x") == b"magic"
    assert await repository.file(one, ugly) == b"ugly"
    for path in ("dir", "link", "nothing", "dir/", "", "../x", "/etc/passwd", "dir/../dir/file"):
        assert await repository.file(one, path) is None, path
    listed = {f.path: f for f in await repository.files(one)}
    assert listed[ugly].size == 4
    assert listed["link"].is_symlink
    assert not listed["link"].is_file
    objects = [f.object for f in listed.values()]
    blobs = await repository.blobs([*objects, "3" * 40])
    assert set(blobs) == set(objects)
    assert blobs[listed["dir/file"].object] == b"\0binary"


async def test_changed_files_carry_their_modes_and_old_names(tree: WorkTree) -> None:
    body = "".join(f"line {i}\n" for i in range(20))
    base = tree.commit("One", {"old": body, "gone": "once", "script": "run", "kind": "text"})
    tree.git("mv", "old", "new")
    tree.git("rm", "-q", "gone", "kind")
    tree.link("kind", "new")
    tree.path.joinpath("script").chmod(0o755)
    tree.write(UGLY, "x")
    head = tree.commit("Two")
    repository = await opened(tree)
    changed = {f.path: f for f in await repository.changed(base, head)}
    assert {p: f.status for p, f in changed.items()} == {
        "new": "R",
        "gone": "D",
        "script": "M",
        "kind": "T",
        UGLY.decode("utf-8", "surrogateescape"): "A",
    }
    assert changed["new"].old_path == "old"
    assert (changed["script"].old_mode, changed["script"].new_mode) == (0o100644, 0o100755)
    assert changed["gone"].new_object == NO_COMMIT
    assert set(await repository.numstat(base, head)) == set(changed) | {"old"}


async def test_a_diff_shows_lines_with_their_numbers(tree: WorkTree) -> None:
    body = [f"line {i}" for i in range(1, 21)]
    base = tree.commit("One", {"old": "\n".join(body) + "\n"})
    body[9] = "-- @@ -1 +1 @@"
    del body[0]
    tree.git("mv", "old", "new")
    head = tree.commit("Two", {"new": "\n".join(body)})
    repository = await opened(tree)
    (file,) = (await repository.diff(base, head)).files
    assert (file.path, file.old_path, file.status) == ("new", "old", "R")
    assert not file.binary
    assert not file.truncated
    assert [(h.old_start, h.old_lines, h.new_start, h.new_lines) for h in file.hunks] == [
        (1, 4, 1, 3),
        (7, 7, 6, 7),
        (17, 4, 16, 4),
    ]
    changed = [(x.kind, x.old, x.new, x.text) for h in file.hunks for x in h.lines if x.kind != " "]
    assert changed == [
        ("-", 1, None, "line 1"),
        ("-", 10, None, "line 10"),
        ("+", None, 9, "-- @@ -1 +1 @@"),
        ("-", 20, None, "line 20"),
        ("+", None, 19, "line 20"),
    ]
    assert (file.added, file.deleted) == (2, 3)
    assert await repository.added_lines(base, head) == {"new": {9, 19}}


async def test_a_diff_keeps_files_apart_whatever_they_are_called(tree: WorkTree) -> None:
    trap = "a\ndiff --git a/x b/x\n@@ -1 +1 @@\n+x"
    base = tree.commit("One", {"kind": "text", "z": "1\n", "mode": "m\n"})
    tree.git("rm", "-q", "kind")
    tree.link("kind", "z")
    tree.path.joinpath("mode").chmod(0o755)
    tree.write(trap, "trap\n")
    tree.write(UGLY, "ugly\n")
    tree.write("binary", bytes(range(256)))
    tree.write("z", "2\n")
    head = tree.commit("Two")
    repository = await opened(tree)
    files = {f.path: f for f in (await repository.diff(base, head)).files}
    assert files["binary"].binary
    assert files["binary"].hunks == ()
    assert files["mode"].hunks == ()
    assert [line.text for h in files["kind"].hunks for line in h.lines] == ["text", "z"]
    assert [line.text for h in files["z"].hunks for line in h.lines] == ["1", "2"]
    assert [line.text for h in files[trap].hunks for line in h.lines] == ["trap"]
    ugly = files[UGLY.decode("utf-8", "surrogateescape")]
    assert [line.text for h in ugly.hunks for line in h.lines] == ["ugly"]


async def test_a_diff_of_a_huge_text_is_cut_off_and_says_so(tree: WorkTree) -> None:
    base = tree.commit("One", {"a": "1"})
    tree.write("aaa-huge", b"a line of text\n" * 3_500_000)  # 52 MB
    for n in range(6):
        tree.write(f"b{n}", b"another line of text, rather long\n" * 100_000)
    tree.write("wide", b"x" * 100_000 + b"\n")
    head = tree.commit("Two", {"zzz": "end\n"})
    files = {f.path: f for f in (await (await opened(tree)).diff(base, head)).files}
    assert files["aaa-huge"].truncated
    assert not files["aaa-huge"].binary
    assert files["b0"].added == files["b5"].added == 100_000
    assert not files["b0"].truncated
    assert files["b5"].truncated
    assert files["zzz"].truncated
    assert all(len(x.text) <= 2001 for f in files.values() for h in f.hunks for x in h.lines)


async def test_a_submodule_is_shown_by_its_commit(
    tree: WorkTree, another: Callable[[str], WorkTree]
) -> None:
    inner = another("inner")
    at = inner.commit("Inner", {"x": "1"})
    base = tree.commit("One", {"a": "1"})
    tree.git("update-index", "--add", "--cacheinfo", f"160000,{at},sub")
    tree.git("commit", "-q", "-m", "Sub")
    head = tree.head()
    repository = await opened(tree)
    listed = {f.path: f for f in await repository.files(head)}
    assert listed["sub"].is_submodule
    assert await repository.file(head, "sub") is None
    (file,) = (await repository.diff(base, head)).files
    assert [x.text for h in file.hunks for x in h.lines] == [f"Subproject commit {at}"]


async def test_refs_move_only_from_where_they_were(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    two = tree.commit("Two", {"a": "2"})
    repository = await opened(tree)
    ref = "refs/heads/release"
    assert await repository.update_ref(ref, one, NO_COMMIT)
    assert not await repository.update_ref(ref, two, NO_COMMIT)
    assert not await repository.update_ref(ref, two, two)
    assert await repository.update_ref(ref, two, one)
    assert (await repository.branches())["release"] == two
    assert not await repository.update_ref(ref, None, one)
    assert await repository.update_ref(ref, None, two)
    assert "release" not in await repository.branches()
    assert not await repository.update_ref(ref, one, two)


async def test_of_simultaneous_moves_exactly_one_wins(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    others = [tree.commit(f"Next {n}", {"a": str(n)}) for n in range(6)]
    repository = await opened(tree)
    ref = "refs/heads/race"
    assert await repository.update_ref(ref, one, NO_COMMIT)
    won = await asyncio.gather(*(repository.update_ref(ref, c, one) for c in others))
    assert won.count(True) == 1
    assert (await repository.refs("refs/heads/race"))[ref] == others[won.index(True)]


async def test_a_move_that_cannot_be_tried_is_an_error(tree: WorkTree) -> None:
    one = tree.commit("One", {"a": "1"})
    repository = await opened(tree)
    with pytest.raises(GitError):
        await repository.update_ref("refs/heads/new", Commit("1" * 40), NO_COMMIT)
    with pytest.raises(GitError):
        await repository.update_ref("refs/heads/a..b", one, NO_COMMIT)


async def test_an_export_is_a_plain_checkout(tree: WorkTree, tmp_path: Path) -> None:
    tree.write("run.sh", "#!/bin/sh\n", 0o755)
    tree.write(UGLY, b"ugly")
    tree.write(".gitattributes", "secret export-ignore\n*.id export-subst\n")
    tree.write("secret", "kept")
    tree.write("x.id", "$Format:%H$")
    outside = tmp_path / "outside"
    outside.mkdir()
    tree.link("way/out", str(outside))
    head = tree.commit("One")
    repository = await opened(tree)
    target = tmp_path / "work" / "src"
    await repository.export(head, target)
    assert (target / "run.sh").stat().st_mode & stat.S_IXUSR
    assert (target / "way/out").is_symlink()
    assert (target / "secret").read_text() == "kept"
    assert (target / "x.id").read_text() == "$Format:%H$"
    assert (target / os.fsdecode(UGLY)).exists()
    assert not (target / ".git").exists()
    assert not (repository.path / "index").exists()
    with pytest.raises(GitError, match="is not empty"):
        await repository.export(head, target)


async def test_an_export_of_some_paths_is_that_part_of_the_whole_one(
    tree: WorkTree, tmp_path: Path
) -> None:
    tree.write(".gitattributes", "*.txt text eol=crlf\n")
    tree.write("src/a.txt", "one\ntwo\n")
    tree.write("src/run.sh", "#!/bin/sh\n", 0o755)
    tree.write("docs/b.txt", "three\n")
    tree.write(UGLY, b"ugly")
    tree.link("src/out", "/etc/passwd")
    head = tree.commit("One")
    repository = await opened(tree)
    await repository.export(head, tmp_path / "all")
    await repository.export(head, tmp_path / "some", ("src/**",))
    shown = sorted(str(p.relative_to(tmp_path / "some")) for p in (tmp_path / "some").rglob("*"))
    assert shown == ["src", "src/a.txt", "src/out", "src/run.sh"]
    assert (tmp_path / "some/src/a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (tmp_path / "all/src/a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (tmp_path / "some/src/run.sh").stat().st_mode & stat.S_IXUSR
    assert (tmp_path / "some/src/out").is_symlink()
    await repository.export(head, tmp_path / "none", ("nothing",))
    assert list((tmp_path / "none").iterdir()) == []


async def test_exports_of_different_commits_do_not_meet(tree: WorkTree, tmp_path: Path) -> None:
    heads = [tree.commit(f"Number {n}", {"n": str(n)}) for n in range(5)]
    repository = await opened(tree)
    await asyncio.gather(*(repository.export(c, tmp_path / c) for c in heads))
    assert [(tmp_path / c / "n").read_text() for c in heads] == list("01234")


async def test_an_export_never_writes_through_a_symlink(tree: WorkTree, tmp_path: Path) -> None:
    """A tree that holds both a symlink and files below it can be built by hand."""
    outside = tmp_path / "outside"
    outside.mkdir()
    tree.write("seed", str(outside))
    tree.commit("Seed")
    repository = await opened(tree)
    blob = tree.git("rev-parse", "HEAD:seed")
    inner = tree.git("mktree", text=f"100644 blob {blob}\tfile\n")
    entries = b"120000 d\0" + bytes.fromhex(blob) + b"40000 d\0" + bytes.fromhex(inner)
    made = tree.path / "evil"
    made.write_bytes(entries)
    evil_tree = tree.git("hash-object", "-t", "tree", "--literally", "-w", str(made))
    evil = tree.git("commit-tree", "-m", "evil", evil_tree)
    tree.git("update-ref", "refs/heads/evil", evil)
    tree.git("push", "-q", str(repository.path), "evil")
    with contextlib.suppress(GitError):
        await repository.export(Commit(evil), tmp_path / "work")
    with contextlib.suppress(GitError):
        await repository.export(Commit(evil), tmp_path / "some", ("d", "d/**"))
    assert list(outside.iterdir()) == []


async def test_a_cancelled_question_leaves_no_process(tree: WorkTree) -> None:
    tree.commit("One", {"a": "1"})
    repository = await opened(tree)
    task = asyncio.create_task(repository.files(tree.head()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await repository.files(tree.head())
