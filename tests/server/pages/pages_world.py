"""A small world to look at: real repositories, a real database, and a server for the pages."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from headgate.authority.permissions import Permissions
from headgate.gate.trials.explain import Standing
from headgate.ledger.chain import seal
from headgate.model.change import (
    ChangeState,
    CommitInfo,
    Dependency,
    Entry,
    RevisionCommit,
    Signature,
)
from headgate.model.config import Policy, ProjectConfig, QueuePolicy
from headgate.model.errors import HeadgateError
from headgate.model.event import Json, NewEvent
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome, Severity, Span
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId, PrincipalId, RevisionId
from headgate.model.job import BuildState, RunState
from headgate.model.origin import Evidence, Grade, Origin, OriginKind
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.queue import BranchKey, ItemState, Landing, NodeState
from headgate.model.verdict import (
    ApprovalBinding,
    Requirement,
    Risk,
    RiskTier,
    Verdict,
    VerdictKind,
)
from headgate.server.auth.csrf import SameOriginMiddleware
from headgate.server.auth.headers import SecurityHeadersMiddleware
from headgate.server.auth.identity import IDENTITY_KEY, Identity, Via
from headgate.server.errors import PAGE_KEY, answer, not_found
from headgate.server.flow.configuration import project_config
from headgate.server.pages.routes import routes
from headgate.server.pages.special import error_page
from headgate.server.settings import Settings
from headgate.store.database import Database
from headgate.vcs.repository import Repository
from warm import lay_database

POLICY_DIGEST = "7f0c" + "ab12" * 15


@dataclass(frozen=True)
class Hands:
    authors: frozenset[PrincipalId]
    emails: frozenset[str]
    sponsors: frozenset[PrincipalId]


@dataclass
class World:
    """A house with a database and repositories of its own."""

    settings: Settings
    db: Database
    clock: Callable[[], float] = time.time
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    cedar: str = ""

    def __post_init__(self) -> None:
        self._permissions = Permissions(self.cedar)

    def policy(self) -> Policy:
        return Policy(
            digest=POLICY_DIGEST,
            groups={"security": ("ada",), "maintainers": ("ada", "bea")},
            queues=(QueuePolicy("main", ("markupsafe", "jinja"), ("main",)),),
        )

    def permissions(self) -> Permissions:
        return self._permissions

    def groups(self, principal: Principal) -> frozenset[str]:
        return frozenset(g for g, names in self.policy().groups.items() if principal.name in names)

    def standing(self, item: ItemId) -> Standing | None:
        return None

    def people(self, number: ChangeNumber) -> Hands:
        with self.db.read() as tx:
            owner = tx.principals.get(tx.changes.get(number).owner)
        sponsors = frozenset({owner.sponsor}) if owner.sponsor is not None else frozenset()
        return Hands(frozenset({owner.id}), frozenset({owner.email}), sponsors)

    def repository(self, name: str) -> Repository:
        return Repository(self.path(name))

    def path(self, name: str) -> Path:
        return self.settings.repositories / f"{name}.git"

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        return await project_config(self.repository(project), commit)

    def artifacts_path(self, run: JobRunId) -> Path:
        return self.settings.artifacts / str(run)

    def log_path(self, run: JobRunId) -> Path:
        return self.settings.logs / f"{run}.log"

    def event(self, kind: str, subject: str, actor: str = "headgate", **data: Json) -> None:
        with self.db.write() as tx:
            tx.events.append(NewEvent(kind, actor, subject, data))


def open_world(directory: Path, cedar: str = "") -> World:
    settings = Settings(data=directory, port=8417, slots=4)
    settings.repositories.mkdir(parents=True)
    settings.logs.mkdir()
    db = Database.open(lay_database(settings.database), seal=seal)
    return World(settings, db, cedar=cedar)


def copy_story(told: Story, directory: Path) -> Story:
    """The story in a world of its own; the world that it was told in must be closed."""
    shutil.copytree(told.world.settings.data, directory)
    settings = replace(told.world.settings, data=directory)
    story = copy.copy(told)
    story.world = replace(
        told.world,
        settings=settings,
        db=Database.open(settings.database, seal=seal),
        closing=asyncio.Event(),
    )
    return story


# -- repositories ------------------------------------------------------------------------------


def git(where: Path, *arguments: str, input: bytes = b"") -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Bea",
        "GIT_AUTHOR_EMAIL": "bea@example.org",
        "GIT_COMMITTER_NAME": "Bea",
        "GIT_COMMITTER_EMAIL": "bea@example.org",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    }
    done = subprocess.run(
        ["git", "-C", str(where), *arguments], input=input, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def make_repository(path: Path, files: Mapping[bytes, bytes]) -> str:
    """A bare repository with one commit on main; returns the commit."""
    path.mkdir(parents=True)
    git(path, "init", "--bare", "-q", "-b", "main", "--template=")
    return commit(path, "main", files, "Begin")


def commit(path: Path, branch: str, files: Mapping[bytes, bytes | None], message: str) -> str:
    """Commit whole files (None removes one) on top of a branch; returns the commit."""
    script = bytearray()
    head = (
        subprocess.run(
            ["git", "-C", str(path), "rev-parse", "-q", "--verify", f"refs/heads/{branch}"],
            capture_output=True,
        )
        .stdout.decode()
        .strip()
    )
    script += (
        f"commit refs/heads/{branch}\ncommitter Bea <bea@example.org> 1767225600 +0000\n".encode()
    )
    text = message.encode()
    script += b"data %d\n%s\n" % (len(text), text)
    if head:
        script += b"from " + head.encode() + b"\n"
    for name, data in files.items():
        quoted = b'"' + b"".join(_c_quote(b) for b in name) + b'"'
        if data is None:
            script += b"D " + quoted + b"\n"
        else:
            script += b"M 100644 inline " + quoted + b"\ndata %d\n%s\n" % (len(data), data)
    git(path, "fast-import", "--quiet", "--force", input=bytes(script))
    return git(path, "rev-parse", f"refs/heads/{branch}")


def _c_quote(byte: int) -> bytes:
    if byte in b'"\\' or byte < 32 or byte > 126:
        return b"\\%03o" % byte
    return bytes([byte])


# -- serving -----------------------------------------------------------------------------------


def make_app(world: World, viewer: Principal | None) -> ASGIApp:
    """The pages behind the real walls, with one viewer signed in."""
    if viewer is not None:
        with world.db.write() as tx:
            if tx.sessions.find("s", "session") is None:
                tx.sessions.add(viewer.id, "session", "s", "c" * 64, world.clock() + 3600)

    class SignedIn:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope, receive, send) -> None:
            if viewer is not None:
                scope[IDENTITY_KEY] = Identity(viewer, Via.SESSION, csrf="c" * 64, session="s")
            scope[PAGE_KEY] = error_page
            await self.app(scope, receive, send)

    def failed(request: Request, error: Exception) -> Response:
        assert isinstance(error, HeadgateError)
        return answer(request, error)

    def missing(request: Request, error: Exception) -> Response:
        return answer(request, not_found(request))

    app = Starlette(
        routes=list(routes(world)),
        middleware=[
            Middleware(SecurityHeadersMiddleware),
            Middleware(SignedIn),
            Middleware(SameOriginMiddleware),
        ],
        exception_handlers={HeadgateError: failed, 404: missing},
    )
    app.router.redirect_slashes = False
    return app


@contextlib.contextmanager
def serving(world: World, viewer: Principal | None) -> Iterator[str]:
    """A real server on a free port; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        loops: list[asyncio.AbstractEventLoop] = []

        async def run() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        config = uvicorn.Config(
            make_app(world, viewer), log_config=None, lifespan="off", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            loops[0].call_soon_threadsafe(world.closing.set)
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive(), "the server did not stop"


# -- the story ---------------------------------------------------------------------------------

AI = Origin(
    OriginKind.AI,
    Grade.A,
    tool="Claude Code",
    model="claude-opus",
    prompter="bea",
    evidence=(
        Evidence(
            "principal/agent", "pushed by the agent crane", OriginKind.AI, Grade.A, "Claude Code"
        ),
        Evidence("trailer/co-authored-by", "Co-authored-by: Claude", OriginKind.AI, Grade.B),
    ),
)
HUMAN = Origin(
    OriginKind.HUMAN,
    Grade.C,
    evidence=(Evidence("principal/human", "the author is who pushed", OriginKind.HUMAN, Grade.C),),
)


class Story:
    """Fills a world; every method is one thing that happens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.clock()
        self.heads: dict[str, str] = {}
        with world.db.write() as tx:
            self.ada = tx.principals.add(
                "ada", PrincipalKind.HUMAN, "Ada Lind", "ada@example.org", None
            )
            self.bea = tx.principals.add(
                "bea", PrincipalKind.HUMAN, "Bea Novak", "bea@example.org", None
            )
            self.crane = tx.principals.add("crane", PrincipalKind.AGENT, "Crane", "", self.bea.id)
            tx.principals.add("headgate", PrincipalKind.SERVICE, "Headgate", "", None)
            self.queue = tx.queues.ensure("main", 4)
            self.projects = {
                name: tx.projects.add(name, "main", "") for name in ("markupsafe", "jinja")
            }
        for name in self.projects:
            base = {
                b"src/app.py": b"import os\n\n\ndef hello(name):\n    return 'hello ' + name\n"
                + b"".join(b"\n\ndef f%d():\n    return %d\n" % (n, n) for n in range(20)),
                b"README.md": b"# " + name.encode() + b"\n",
            }
            self.heads[name] = make_repository(world.path(name), base)

    def propose(
        self,
        title: str,
        *,
        project: str = "markupsafe",
        owner: Principal | None = None,
        origin: Origin = HUMAN,
        files: Mapping[bytes, bytes | None] | None = None,
        depends_on: tuple[int, ...] = (),
        message: str = "",
    ) -> tuple[int, RevisionId]:

        owner = owner or self.bea
        path = self.world.path(project)
        base = self.heads[project]
        branch = f"proposal-{time.monotonic_ns()}"
        git(path, "branch", branch, base)
        head = commit(
            path,
            branch,
            files
            or {b"src/app.py": b"import os\n\n\ndef hello(name):\n    return f'hello {name}'\n"},
            message or title,
        )
        git(path, "update-ref", "-d", f"refs/heads/{branch}")
        git(path, "update-ref", f"refs/headgate/test/{head}", head)
        who = Signature(owner.display, owner.email or f"{owner.name}@example.org", int(self.now))
        info = CommitInfo(Commit(head), (Commit(base),), who, who, message or title)
        with self.world.db.write() as tx:
            change = tx.changes.add(
                self.projects[project].id,
                "main",
                title.lower()[:40],
                owner.id,
                title,
                Entry.AUTOMATIC,
            )
            revision = tx.changes.add_revision(
                change.number,
                Commit(head),
                Commit(base),
                message or title,
                owner.id,
                (),
                tuple(Dependency(f"Depends-On: {n}", ChangeNumber(n)) for n in depends_on),
                (RevisionCommit(info, origin),),
            )
            tx.events.append(
                NewEvent(
                    "change.created",
                    owner.name,
                    f"change/{change.number}",
                    {"change": change.number, "revision": 1, "head": head},
                )
            )
        return change.number, revision.id

    def judge(
        self,
        number: int,
        kind: VerdictKind = VerdictKind.ALLOWED,
        reasons: tuple[str, ...] = (),
        requirements: tuple[Requirement, ...] = (),
        tier: RiskTier = RiskTier.LOW,
        checks: tuple[CheckResult, ...] = (),
    ) -> None:
        checks = checks or (
            CheckResult("source", Outcome.PASSED, seconds=0.41),
            CheckResult("secrets", Outcome.PASSED, seconds=0.12),
            CheckResult("dependencies", Outcome.PASSED, seconds=0.02),
        )
        state = {
            VerdictKind.ALLOWED: ChangeState.QUEUED,
            VerdictKind.NEEDS_APPROVALS: ChangeState.WAITING,
            VerdictKind.DENIED: ChangeState.DENIED,
        }[kind]
        with self.world.db.write() as tx:
            revision = tx.changes.current_revision(ChangeNumber(number))
            for check in checks:
                tx.checks.save(revision.id, check)
            risk = Risk(
                tier, ("2 files, 6 lines", "production"), ("critical.auth",) if tier >= 2 else ()
            )
            tx.verdicts.save(revision.id, Verdict(kind, reasons, risk, requirements, POLICY_DIGEST))
            tx.changes.set_state(ChangeNumber(number), state, reasons[0] if reasons else "")
            tx.events.append(
                NewEvent("change.judged", "headgate", f"change/{number}", {"verdict": kind.value})
            )

    def depend(self, number: int, on: int) -> None:
        """A new revision that depends on another change."""
        with self.world.db.write() as tx:
            now = tx.changes.current_revision(ChangeNumber(number))
            tx.changes.add_revision(
                now.change,
                now.head,
                now.base,
                now.message,
                now.pusher,
                (),
                (Dependency(f"Depends-On: {on}", ChangeNumber(on)),),
                (),
            )

    def enqueue(self, number: int) -> ItemId:
        with self.world.db.write() as tx:
            change = tx.changes.get(ChangeNumber(number))
            revision = tx.changes.current_revision(change.number)
            item = tx.items.add(self.queue.id, change.number, revision.id, change.project, "main")
            tx.events.append(NewEvent("item.queued", "headgate", "queue/main", {"change": number}))
        return item.id

    def test(
        self,
        item: ItemId,
        assumed: tuple[ItemId, ...] = (),
        state: NodeState = NodeState.BUILDING,
        jobs: tuple[tuple[str, str, RunState, float], ...] = (),
        reason: str = "",
    ) -> list[JobRunId]:
        """Jobs are (project, name, state, seconds)."""
        ids: list[JobRunId] = []
        with self.world.db.write() as tx:
            it = tx.items.get(item)
            name = tx.projects.get(it.project).name
            head = tx.changes.current_revision(it.change).head
            path = self.world.path(name)
            tree = git(path, "rev-parse", f"{head}^{{tree}}")
            node = tx.nodes.add(
                item,
                assumed,
                Commit(self.heads[name]),
                head,
                tree,
                {BranchKey(name, "main"): head},
                NodeState.MERGED,
                "",
            )
            build = tx.builds.add()
            tx.nodes.set_build(node.id, build)
            for project, job, run_state, seconds in jobs:
                run = tx.builds.add_run(build, project, job, 1, True)
                started = None if run_state is RunState.QUEUED else self.now - seconds
                finished = (
                    self.now if run_state.final and run_state is not RunState.SKIPPED else None
                )
                tx.builds.set_run(
                    run.id,
                    run_state,
                    started=started,
                    finished=finished,
                    exit_code={RunState.PASSED: 0, RunState.FAILED: 1}.get(run_state),
                    reason="exit code 1" if run_state is RunState.FAILED else "",
                )
                ids.append(run.id)
            tx.nodes.set_state(node.id, state, reason)
            if state in (NodeState.PASSED, NodeState.FAILED):
                outcome = BuildState.PASSED if state is NodeState.PASSED else BuildState.FAILED
                tx.builds.set_state(build, outcome, reason)
            tx.events.append(
                NewEvent("build.started", "headgate", f"change/{it.change}", {"build": build})
            )
        return ids

    def land(self, item: ItemId) -> None:
        with self.world.db.write() as tx:
            it = tx.items.get(item)
            node = tx.nodes.current(item)
            assert node is not None
            assert node.commit is not None
            assert node.tree is not None
            name = tx.projects.get(it.project).name
            tx.items.set_state(item, ItemState.LANDING, "")
            tx.items.set_state(item, ItemState.LANDED, "")
            tx.changes.set_landed(it.change, node.commit)
            tx.changes.set_state(it.change, ChangeState.LANDED, "")
            tx.landings.add(
                Landing(
                    item,
                    name,
                    "main",
                    it.change,
                    node.base,
                    node.commit,
                    node.tree,
                    node.tree,
                    self.now,
                )
            )
            tx.events.append(
                NewEvent(
                    "branch.landed", "headgate", f"change/{it.change}", {"commit": node.commit}
                )
            )

    def eject(self, item: ItemId, reason: str) -> None:
        with self.world.db.write() as tx:
            it = tx.items.get(item)
            tx.items.set_state(item, ItemState.EJECTED, reason)
            tx.changes.set_state(it.change, ChangeState.EJECTED, reason)
            tx.events.append(
                NewEvent("item.ejected", "headgate", f"change/{it.change}", {"reason": reason})
            )

    def finish(self, run: JobRunId, state: RunState = RunState.PASSED) -> None:
        with self.world.db.write() as tx:
            tx.builds.set_run(run, state, finished=self.world.clock(), exit_code=0)
            tx.events.append(
                NewEvent("job.finished", "headgate", f"job/{run}", {"state": state.value})
            )


SHELL = Finding(
    rule="python/shell-injection",
    title="Shell injection",
    message="A string built from a parameter is run by a shell.",
    remedy="Pass the arguments as a list to subprocess.run, without shell=True.",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    span=Span("src/app.py", 6, 5),
    cwe=78,
    check="source",
    excerpt="os.system(f'ls {name}')",
    identity="aa11",
    url="https://docs.astral.sh/ruff/rules/start-process-with-a-shell/",
)

WEIRD: Mapping[bytes, bytes | None] = {
    b"src/app.py": b"import os\n\n\ndef hello(name):\n    # \xe2\x80\xae reversed\n"
    b"    os.system(f'ls {name}')\n    return '<script>alert(1)</script>'\n",
    b'we\nird\t"name".txt': b"one\n",
    b"not-\xff-utf8.txt": b"two\n",
    "naïve ünï.txt".encode(): b"three\n",
    b"<img src=x onerror=alert(1)>.html": b"<script>alert(2)</script>\n",
    b"picture.png": b"\x89PNG\r\n\x1a\n\0\0\0" + bytes(range(256)) * 8,
    b"empty.txt": b"",
}


def full_story(world: World) -> Story:
    """Everything that a board and the pages of changes can show."""
    s = Story(world)
    passed = ("markupsafe", "tests", RunState.PASSED, 21.4)
    one, _ = s.propose("Say hello with an f-string")
    s.judge(one)
    first = s.enqueue(one)
    s.test(first, (), NodeState.PASSED, (passed, ("jinja", "tests", RunState.PASSED, 48.0)))
    s.land(first)

    two, _ = s.propose("Speed up escaping of long strings", owner=s.crane, origin=AI)
    s.judge(two)
    second = s.enqueue(two)
    runs = s.test(
        second,
        (),
        NodeState.FAILED,
        (passed, ("jinja", "tests", RunState.FAILED, 31.0)),
        reason="jinja/tests failed",
    )
    world.log_path(runs[1]).write_text(
        "# headgate: jinja/tests on main + #2\n\x1b[1m==== test session starts ====\x1b[0m\n"
        "collected 909 items\n"
        "\x1b[31mFAILED tests/test_filters.py::test_escape - AssertionError\x1b[0m\n"
    )
    s.eject(second, "jinja/tests failed in the future on main: 3 failed, 906 passed")

    three, _ = s.propose(
        "Escape lazily when the string has no special characters", owner=s.crane, origin=AI
    )
    s.judge(three)
    third = s.enqueue(three)
    runs = s.test(
        third,
        (),
        NodeState.BUILDING,
        (passed, ("jinja", "tests", RunState.RUNNING, 17.0), ("jinja", "docs", RunState.QUEUED, 0)),
    )
    world.log_path(runs[1]).write_text("# headgate: jinja/tests on main\ncollecting…\n")

    four, _ = s.propose("Use the lazy escape in templates", project="jinja", depends_on=(three,))
    s.judge(four)
    fourth = s.enqueue(four)
    s.test(fourth, (third,), NodeState.PASSED, (("jinja", "tests", RunState.PASSED, 44.0),))

    five, _ = s.propose("Drop the branch for Python 3.8", project="jinja", owner=s.ada)
    s.judge(five)
    fifth = s.enqueue(five)
    s.test(
        fifth,
        (third, fourth),
        NodeState.CONFLICT,
        reason="src/app.py conflicts with change #4 in this future",
    )
    six, _ = s.propose(
        "Tidy up the tests of the sandbox", project="jinja", owner=s.crane, origin=AI
    )
    s.judge(six)
    sixth = s.enqueue(six)
    s.test(sixth, (third, fourth), NodeState.BUILDING, (("jinja", "tests", RunState.RUNNING, 4.0),))
    for title in ("Document the escape rules", "Say what Markup is in the README"):
        number, _ = s.propose(
            title, files={b"README.md": b"# markupsafe\n\n" + title.encode() + b"\n"}
        )
        s.judge(number)
        s.enqueue(number)

    needs, revision = s.propose(
        "Let the session cookie live for thirty days", owner=s.crane, origin=AI, depends_on=(three,)
    )
    s.judge(
        needs,
        VerdictKind.NEEDS_APPROVALS,
        ("An agent's change to critical.auth needs an approval by security.",),
        (
            Requirement(
                "critical-by-agent", 1, ("security",), "written by an agent, touches critical.auth"
            ),
        ),
        RiskTier.HIGH,
    )
    with world.db.write() as tx:
        current = tx.changes.current_revision(ChangeNumber(needs))
        binding = ApprovalBinding(
            "markupsafe", ChangeNumber(needs), "main", current.base, Commit("9" * 40), POLICY_DIGEST
        )
        old = tx.approvals.add(revision, s.ada.id, binding, "Looks right to me.")
        tx.approvals.void(old.id, "revision 2 was pushed after it")

    denied, _ = s.propose("List files through the shell", owner=s.crane, origin=AI, files=WEIRD)
    elsewhere = Finding(
        "secret/generic-password",
        "Hard-coded password",
        "A password stands in the source.",
        "Read it from the environment.",
        Severity.CRITICAL,
        Confidence.MEDIUM,
        Span("README.md", 3),
        798,
        "secrets",
        "password = ****",
        "bb22",
    )
    s.judge(
        denied,
        VerdictKind.DENIED,
        (
            "src/app.py:6: a string built from a parameter is run by a shell. "
            "Pass the arguments as a list.",
        ),
        tier=RiskTier.CRITICAL,
        checks=(
            CheckResult("source", Outcome.FAILED, "1 finding denies", (SHELL,), 0.52),
            CheckResult("secrets", Outcome.FAILED, "", (elsewhere,), 0.2, ("picture.png: binary",)),
            CheckResult("dependencies", Outcome.NOT_RUN, "the index did not answer within 10 s"),
        ),
    )
    return s
