"""What happens in a world, told step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping

from pages_repositories import commit, git, make_repository
from pages_world import POLICY_DIGEST, World

from headgate.model.change import (
    ChangeState,
    CommitInfo,
    Dependency,
    Entry,
    RevisionCommit,
    Signature,
)
from headgate.model.event import NewEvent
from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId, RevisionId
from headgate.model.job import BuildState, RunState
from headgate.model.origin import Evidence, Grade, Origin, OriginKind
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.queue import BranchKey, ItemState, Landing, NodeState
from headgate.model.verdict import (
    Requirement,
    Risk,
    RiskTier,
    Verdict,
    VerdictKind,
)

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
