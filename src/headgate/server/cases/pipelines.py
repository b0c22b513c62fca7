"""Pipelines: comments that ask for them, tags, and what they need of the house."""

from __future__ import annotations

import structlog

from headgate.authority.permissions import Action
from headgate.gate.pipelines.scope import gate_of, retests
from headgate.gate.pipelines.service import PipelineService
from headgate.model.change import Change
from headgate.model.errors import BadInput, HeadgateError
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, ItemId, NodeId, RevisionId
from headgate.model.pipeline import Report
from headgate.model.principal import GATE, Principal
from headgate.model.queue import BranchKey, ItemState, NodeState
from headgate.model.report import Status, StatusState
from headgate.model.verdict import VerdictKind
from headgate.server.cases.changes import LONGEST_COMMENT
from headgate.server.cases.queue import QueueCases
from headgate.store.database import Transaction

log = structlog.get_logger()


class PipelineCases(QueueCases):
    """Comments and tags, and the ports of pipelines."""

    pipelines: PipelineService

    async def comment(self, actor: Principal, number: int, text: str) -> Change:
        """Write on a change; it may ask for pipelines when its author may enqueue the change."""
        if not text.strip():
            raise BadInput("The comment is empty.", "Write something.")
        if len(text) > LONGEST_COMMENT:
            raise BadInput(f"A comment holds at most {LONGEST_COMMENT} characters.", "Shorten it.")
        with self.db.read() as tx:
            change = tx.changes.get(ChangeNumber(number))
            resource = self._resource(tx, change)
        self.require(actor, Action.COMMENT, resource)
        asks = self.permissions().decide(actor, self.groups(actor), Action.ENQUEUE, resource)
        with self.db.write() as tx:
            change = tx.changes.get(change.number)
            tx.events.append(
                NewEvent(
                    "change.commented",
                    actor.name,
                    f"change/{number}",
                    {
                        "change": number,
                        "revision": change.revision,
                        "text": text,
                        "permitted": asks.allowed,
                    },
                )
            )
        return change

    # -- tags --------------------------------------------------------------------------------

    async def settle_tags(self, project: str = "") -> None:
        """Record which of the announced tags git took; of all projects when none is named."""
        with self.db.read() as tx:
            announced = tx.tags.announced()
            names = {p.id: p.name for p in tx.projects.all()}
        for tag in announced:
            where = names[tag.project]
            if project and where != project:
                continue
            ref = f"refs/tags/{tag.name}"
            found = (await self.repository(where).refs(ref)).get(ref)
            with self.db.write() as tx:
                if found != tag.object:
                    tx.tags.forget(tag.project, tag.name)
                    continue
                tx.tags.set_pushed(tag.project, tag.name)
                tx.events.append(
                    NewEvent(
                        "tag.pushed",
                        tx.principals.get(tag.pusher).name,
                        f"project/{where}",
                        {
                            "project": where,
                            "tag": tag.name,
                            "object": tag.object,
                            "commit": tag.commit,
                        },
                    )
                )

    def tags_may_be_there(self, project: str) -> None:
        """A push to a project has ended."""
        with self.db.read() as tx:
            waits = bool(tx.tags.announced())
        if waits:
            self._spawn(self.settle_tags(project))

    # -- ports of the pipelines --------------------------------------------------------------

    async def report(self, project: str, status: Status) -> None:
        """See PipelinePorts."""
        await self.forge.report(self.repository(project), status)

    def page(self, path: str) -> str:
        """See PipelinePorts."""
        return f"{self.settings.url}{path}"

    def trusted(self, revision: RevisionId) -> bool:
        """See PipelinePorts."""
        with self.db.read() as tx:
            verdict = tx.verdicts.latest(revision)
        return verdict is not None and verdict.kind is VerdictKind.ALLOWED

    async def asked(self, number: ChangeNumber, actor: str) -> None:
        """See PipelinePorts."""
        with self.db.read() as tx:
            who = tx.principals.by_name(actor)
        try:
            await self.enqueue(who, number)
        except HeadgateError as error:
            log.info("a comment asked for what cannot be", change=number, reason=error.message)
            with self.db.write() as tx:
                data = {"change": number, "text": f"Not queued: {error}"}
                tx.events.append(NewEvent("change.message", GATE, f"change/{number}", data))

    async def decided(self, outcome: Event) -> None:
        """See PipelinePorts. A crash in between may tell it twice."""
        number = outcome.data.get("change")
        if not isinstance(number, int):
            return
        with self.db.read() as tx:
            change = tx.changes.get(ChangeNumber(number))
            project = tx.projects.get(change.project).name
            head = tx.changes.current_revision(change.number).head
        gate = gate_of(self.policy(), BranchKey(project, change.branch))
        if gate is None:
            return
        landed = outcome.kind == "branch.landed"
        words = "landed" if landed else f"ejected: {str(outcome.data.get('reason')).rstrip('.')}"
        state = StatusState.SUCCESS if landed else StatusState.FAILURE
        page = self.page(f"/changes/{number}")
        if Report.STATUS in gate.report:
            try:
                await self.report(project, Status(head, gate.name, state, words, page))
            except HeadgateError as error:
                log.warning("a status was not told", change=number, reason=str(error))
        if Report.MESSAGE in gate.report:
            with self.db.write() as tx:
                data = {"change": number, "text": f"{gate.name}: {words}"}
                tx.events.append(NewEvent("change.message", GATE, f"change/{number}", data))

    async def landed_elsewhere(self, landing: Event) -> None:
        """See PipelinePorts."""
        project, branch = str(landing.data.get("project")), str(landing.data.get("branch"))
        number = landing.data.get("change")
        with self.db.read() as tx:
            stale = outdated(tx, landing)
        for item, node, key in stale:
            if retests(self.policy(), key):
                why = f"#{number} has landed on {branch} of {project}, which its jobs require"
                self.gate.retest(item, node, why)


def outdated(tx: Transaction, landing: Event) -> list[tuple[ItemId, NodeId, BranchKey]]:
    """What is or was tested, in other queues, with the commit that this landing replaced."""
    data = landing.data
    project, before = str(data.get("project")), data.get("before")
    found: list[tuple[ItemId, NodeId, BranchKey]] = []
    for queue in tx.queues.all():
        if queue.name == data.get("queue"):
            continue
        for item in tx.items.live(queue.id):
            if item.state is not ItemState.WAITING:
                continue
            key = BranchKey(tx.projects.get(item.project).name, item.branch)
            for node in tx.nodes.of_item(item.id):  # In lanes it has several futures at once.
                if node.state not in (NodeState.BUILDING, NodeState.PASSED):
                    continue
                if _tested_with(tx, int(item.change), node.id).get(project) == before:
                    found.append((item.id, node.id, key))
    return found


def _tested_with(tx: Transaction, change: int, node: NodeId) -> dict[str, object]:
    """Project → commit, of every checkout that the jobs of a future found, or would have found
    had their results not been known."""
    for event in tx.events.latest(40, kind_prefix="build.", subject=f"change/{change}"):
        commits = event.data.get("commits")
        if event.data.get("node") == node and isinstance(commits, dict):
            return dict(commits)
    return {}
