"""People and agents clone, fetch and push over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from vcs_http import Server, serving
from vcs_worktree import ENVIRONMENT, WorkTree

from headgate.model.errors import CouldNotRun
from headgate.model.ids import Commit
from headgate.vcs.hosting.hook_server import HookServer
from headgate.vcs.hosting.install import hook_script, hooks_installed, install_hooks
from headgate.vcs.repository import Repository


@pytest_asyncio.fixture
async def server(tmp_path: Path, tree: WorkTree) -> AsyncGenerator[Server]:
    """Serves the project `demo`, made from `tree` with one commit."""
    tree.commit("Begin", {"a": "1\n"})
    path = tmp_path / "repositories" / "demo.git"
    await Repository.clone(path, str(tree.path))
    await install_hooks(path)
    async with serving(tmp_path) as running:
        yield running


async def git(tree: WorkTree, *arguments: str) -> tuple[int, str]:
    """Run git while the server, which lives in this very process, answers it."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=tree.path,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode("utf-8", "replace")


async def push(tree: WorkTree, server: Server, ref: str, *options: str) -> tuple[int, str]:
    return await git(tree, "push", *options, server.address("demo"), f"HEAD:{ref}")


async def test_a_clone_a_change_and_a_fetch(tree: WorkTree, server: Server, tmp_path: Path) -> None:
    code, said = await git(tree, "clone", "-q", server.address("demo"), str(tmp_path / "clone"))
    assert (code, said) == (0, "")
    clone = WorkTree(tmp_path / "clone")
    head = clone.commit("Change", {"a": "2\n"})
    code, said = await push(clone, server, "refs/for/main/topic", "-o", "hold", "-o", "tool=x")
    assert code == 0, said
    assert "remote: looking at refs/for/main/topic\N{REPLACEMENT CHARACTER}[31m" in said
    assert "[new reference]" in said
    assert server.doorkeeper.taken == {"refs/for/main/topic": head}
    assert server.doorkeeper.options == ["hold", "tool=x"]
    repository = Repository(server.repositories / "demo.git")
    assert await repository.resolve("refs/headgate/changes/1") == head
    assert "refs/for/main/topic" not in await repository.refs()
    code, said = await git(clone, "ls-remote", server.address("demo"))
    assert "refs/headgate" not in said
    assert server.done.count("git-receive-pack") >= 2
    code, said = await git(clone, "fetch", "-q", server.address("demo"), head)
    assert code == 0, said


async def test_a_push_without_options_is_taken(tree: WorkTree, server: Server) -> None:
    tree.commit("Change", {"a": "2\n"})
    code, said = await push(tree, server, "refs/for/main")
    assert code == 0, said
    assert server.doorkeeper.options == []
    ids = {push_id for push_id, _ in server.doorkeeper.seen}
    assert all(push_id.startswith("ada-") for push_id in ids)


async def test_a_push_to_the_branch_is_refused_in_one_sentence(
    tree: WorkTree, server: Server
) -> None:
    before = tree.head()
    tree.commit("Change", {"a": "2\n"})
    code, said = await push(tree, server, "main")
    assert code == 1
    assert "remote: main is gated: push to refs/for/main." in said
    assert "pre-receive hook declined" in said
    repository = Repository(server.repositories / "demo.git")
    assert (await repository.branches())["main"] == before
    assert await repository.resolve(tree.head()) is None  # The quarantine is gone.


async def test_proposals_may_be_refused_one_by_one(tree: WorkTree, server: Server) -> None:
    tree.commit("Change", {"a": "2\n"})
    code, said = await git(
        tree, "push", server.address("demo"), "HEAD:refs/for/main/no", "HEAD:refs/for/main/yes"
    )
    assert code == 1
    assert "[remote rejected] HEAD -> refs/for/main/no (not this one)" in said
    assert "[new reference]   HEAD -> refs/for/main/yes" in said


async def test_an_error_of_the_handler_is_told_with_its_remedy(
    tree: WorkTree, server: Server
) -> None:
    tree.commit("Change", {"a": "2\n"})
    code, said = await push(tree, server, "refs/for/main/bad")
    assert code == 1
    assert "remote: The topic bad is taken. Choose another." in said
    server.doorkeeper.broken = True
    code, said = await push(tree, server, "refs/for/main/other")
    assert code == 1
    assert "Headgate failed while it looked at this push" in said
    assert "a defect" not in said


async def test_other_refs_go_their_ordinary_way(tree: WorkTree, server: Server) -> None:
    head = tree.commit("Change", {"a": "2\n"})
    code, said = await push(tree, server, "refs/agents/bot/x")
    assert code == 0, said
    repository = Repository(server.repositories / "demo.git")
    assert await repository.resolve("refs/agents/bot/x") == head
    code, said = await git(tree, "push", server.address("demo"), ":refs/agents/bot/x")
    assert code == 0, said


@pytest.mark.parametrize(
    ("who", "name", "expected"),
    [
        ("ada:wrong", "demo", "Authentication failed"),
        ("ada:secret", "nothing", "There is no project 'nothing' here."),
        ("eve:secret", "demo", "eve may not push here."),
    ],
)
async def test_who_may_not_is_told_why(
    tree: WorkTree, server: Server, who: str, name: str, expected: str
) -> None:
    code, said = await git(tree, "push", server.address(name, who), "HEAD:refs/for/main")
    assert code != 0
    assert expected in said


async def test_requests_that_are_none_of_git_are_answered(server: Server) -> None:
    async with httpx.AsyncClient(auth=("ada", "secret"), base_url=server.url) as client:
        for method, path, status in (
            ("GET", "/git/demo.git/config", 404),
            ("GET", "/git/demo.git/objects/info/packs", 404),
            ("GET", "/git/../../etc/passwd", 404),
            ("GET", "/git/demo.git/info/refs", 400),
            ("GET", "/git/demo.git/info/refs?service=git-shell", 400),
            ("GET", "/git/demo.git/git-upload-pack", 400),
            ("POST", "/git/demo.git/git-nothing-pack", 400),
        ):
            answer = await client.request(method, path)
            assert answer.status_code == status, path
        refused = await client.get(
            "/git/demo.git/info/refs?service=git-upload-pack", auth=("x", "y")
        )
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="Headgate"'
    assert refused.text == "Git needs your name and a token. See `headgate token`.\n"


async def test_a_compressed_request_is_understood(tree: WorkTree, server: Server) -> None:
    body = f"0032want {tree.head()}\n00000009done\n".encode()
    async with httpx.AsyncClient(auth=("ada", "secret"), base_url=server.url) as client:
        answer = await client.post(
            "/git/demo.git/git-upload-pack",
            content=gzip.compress(body),
            headers={
                "content-type": "application/x-git-upload-pack-request",
                "content-encoding": "gzip",
            },
        )
    assert answer.status_code == 200
    assert b"PACK" in answer.content


async def test_a_large_push_is_streamed(tree: WorkTree, server: Server) -> None:
    """Larger than git's post buffer, so that it is sent in chunks."""
    tree.commit("Large", {"data": os.urandom(12_000_000)})
    code, said = await push(tree, server, "refs/for/main/large")
    assert code == 0, said


async def test_a_fifty_megabyte_file_is_refused_with_its_name(
    tree: WorkTree, server: Server
) -> None:
    tree.commit("Huge", {"data.bin": b"\0" * 51_000_000})
    code, said = await push(tree, server, "refs/for/main/huge")
    assert code == 1
    assert "remote: data.bin has 51 MB, more than the 50 MB" in said


async def test_a_push_above_the_size_limit_is_refused(tree: WorkTree, server: Server) -> None:
    await install_hooks(server.repositories / "demo.git", max_input=100_000)
    tree.commit("Large", {"data": os.urandom(300_000)})
    code, said = await push(tree, server, "refs/for/main/large")
    assert code != 0
    assert "pack exceeds maximum allowed size" in said


async def test_weird_names_binaries_and_submodules_are_taken(
    tree: WorkTree, server: Server
) -> None:
    tree.write(b"caf\xe9\n\x1b[31m", bytes(range(256)))
    tree.link("inside", "a")
    tree.git("update-index", "--add", "--cacheinfo", f"160000,{tree.head()},sub")
    head = tree.commit("Odd")
    code, said = await push(tree, server, "refs/for/main/odd")
    assert code == 0, said
    assert server.doorkeeper.taken["refs/for/main/odd"] == head


async def test_a_symlink_out_of_the_tree_is_refused(tree: WorkTree, server: Server) -> None:
    tree.link("out", "/etc/passwd")
    tree.commit("Out")
    code, said = await push(tree, server, "refs/for/main/out")
    assert code == 1
    assert "remote: out is a symlink to /etc/passwd, which is outside of the project" in said


async def test_a_name_like_dot_git_is_refused_by_git(tree: WorkTree, server: Server) -> None:
    blob = tree.git("rev-parse", "HEAD:a")
    inner = tree.git("mktree", text=f"100644 blob {blob}\tconfig\n")
    evil = tree.git("mktree", text=f"040000 tree {inner}\t.GIT\n")
    head = tree.git("commit-tree", "-p", "HEAD", "-m", "Evil", evil)
    code, said = await git(tree, "push", server.address("demo"), f"{head}:refs/for/main")
    assert code == 1
    assert "hasDotgit" in said


async def test_a_stopped_server_refuses_in_one_sentence(tree: WorkTree, server: Server) -> None:
    tree.commit("Change", {"a": "2\n"})
    await server.hooks.stop()
    code, said = await push(tree, server, "refs/for/main")
    assert code == 1
    assert "remote: Headgate is not running, so nothing can be pushed: start it" in said
    code, said = await git(
        tree, "push", str(server.repositories / "demo.git"), "HEAD:refs/for/main"
    )
    assert code == 1
    assert "This repository takes pushes only through Headgate: push to its http address." in said


async def test_a_repository_without_its_hooks_takes_nothing(tree: WorkTree, server: Server) -> None:
    path = server.repositories / "demo.git"
    (path / "hooks" / "pre-receive").chmod(0o644)
    tree.commit("Change", {"a": "2\n"})
    code, said = await push(tree, server, "main")
    assert code != 0
    assert "The hooks of demo are missing" in said
    await install_hooks(path)
    assert hooks_installed(path)
    code, said = await push(tree, server, "refs/for/main")
    assert code == 0, said


async def test_a_pusher_who_leaves_takes_git_along_but_not_the_intake(
    tree: WorkTree, server: Server
) -> None:
    server.doorkeeper.slow = 0.5
    tree.commit("Change", {"a": "2\n"})
    process = await asyncio.create_subprocess_exec(
        "git",
        "push",
        server.address("demo"),
        "HEAD:refs/for/main",
        cwd=tree.path,
        env=ENVIRONMENT,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    await asyncio.wait_for(server.doorkeeper.begun.wait(), 20)
    os.killpg(process.pid, 9)
    await process.wait()
    await asyncio.wait_for(server.doorkeeper.finished.wait(), 20)
    for _ in range(100):
        if not running("http-backend", str(tree.path.parent)):
            break
        await asyncio.sleep(0.05)
    assert running("http-backend", str(tree.path.parent)) == []
    assert list(server.doorkeeper.taken) == ["refs/for/main"]


async def test_many_push_at_once(tree: WorkTree, server: Server) -> None:
    base = tree.head()
    names = [f"refs/for/main/{n}" for n in range(12)]
    for name in names:
        tree.git("checkout", "-q", "--detach", base)
        tree.commit(name, {name.rpartition("/")[2]: name})
        tree.git("branch", name.replace("/", "-"))
    outcomes = await asyncio.gather(
        *(
            git(tree, "push", server.address("demo"), f"{name.replace('/', '-')}:{name}")
            for name in names
        )
    )
    assert [code for code, _ in outcomes] == [0] * 12, outcomes
    assert set(server.doorkeeper.taken) == set(names)


async def test_an_unusable_socket_says_so(tmp_path: Path, server: Server) -> None:
    with pytest.raises(CouldNotRun, match="socket for hooks"):
        await HookServer(tmp_path / ("x" * 150), server.doorkeeper).start()


async def test_nonsense_at_the_socket_harms_nobody(server: Server, tmp_path: Path) -> None:
    for nonsense in (b"", b"\xff\xff\xff\xff", b"\0\0\0\4oops", b"\0\0\0\x11hook=proc-receivezzzz"):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "hook.sock")
        writer.write(nonsense)
        writer.write_eof()
        answer = await reader.read()
        assert answer[-1:] in (b"", b"\1")
        writer.close()


def test_the_hook_starts_with_a_long_or_spaced_python(tmp_path: Path) -> None:
    place = tmp_path / ("with space " + "x" * 120)
    place.mkdir()
    python = place / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    script = tmp_path / "pre-receive"
    script.write_text(hook_script(str(python)))
    script.chmod(0o755)
    done = subprocess.run([script], capture_output=True, text=True, env={}, input="")
    assert done.returncode == 1
    assert "only through Headgate" in done.stderr


async def test_hooks_cannot_be_written_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(CouldNotRun, match=r"hooks of nothing\.git could not be written"):
        await install_hooks(tmp_path / "nothing.git")


def running(word: str, other: str) -> list[Commit]:
    """Command lines of processes that hold both words, in line or environment."""
    found: list[Commit] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                about = (entry / "environ").read_bytes()
            except OSError:
                continue
            if word.encode() in line and other.encode() in about:
                found.append(Commit(line.decode("utf-8", "replace")))
    return found
