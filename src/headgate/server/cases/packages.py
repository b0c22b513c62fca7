"""Packages: may one be added, who approved it, and what is minded about those that have landed."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.authority.approval import may_approve
from headgate.authority.permissions import Action, Resource
from headgate.deps.evidence import Sources, gather
from headgate.deps.may_add import Answer, may_add
from headgate.deps.policy.assess import Evidence
from headgate.deps.policy.standing import Place, Standing, denial, standing
from headgate.deps.policy.tighten import tightened
from headgate.model.change import OPEN_STATES, ChangeState
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.errors import BadInput, Conflict, Denied, NotFound
from headgate.model.event import Event, NewEvent
from headgate.model.ids import ChangeNumber, PrincipalId
from headgate.model.package import MatchRun, PackageRequest, RequestState
from headgate.model.principal import Principal, PrincipalKind
from headgate.model.purl import Package, parse_purl
from headgate.server.flow.flow import Flow
from headgate.server.flow.packages import Landed

MOST_REQUESTS = 100
"""Packages that one principal may wait for."""

APPROVERS = ("admins",)
"""Who approves packages where the policy names nobody."""


class PackageCases(Flow):
    """What people and agents ask about packages."""

    landed: Landed

    # -- may it be added ---------------------------------------------------------------------

    async def may_add(self, actor: Principal, purl: str, project: str = "") -> Answer:
        """Whether `actor` may add a package to a project, or to any.

        Raises BadInput for what is no package URL, NotFound for a project that the actor may not
        know.
        """
        package = parse_purl(purl)
        policy = await self.dependency_policy(project, actor)
        who = Place(project, strict=actor.kind is not PrincipalKind.HUMAN)
        granted = self.granted()
        sources = Sources(self.indexes(), self.registries(), self.advice())
        gathered = await gather([package], policy, sources, project=project, granted=granted)
        evidence = gathered.evidence.get(package, Evidence())
        if not package.version and evidence.facts is not None and evidence.facts.latest:
            # What would be installed is the latest release: that one is judged.
            package = Package(package.ecosystem, package.name, evidence.facts.latest)
            matched = self.advice().match([package])
            evidence = Evidence(evidence.facts, matched.get(package), evidence.licence)
        return may_add(package, policy, who, evidence, granted=granted, now=self.clock())

    async def dependency_policy(self, project: str, actor: Principal) -> DependencyPolicy:
        """The policy for a project, tightened by its own file; without a project the central one.

        Raises NotFound for a project that the actor may not know.
        """
        policy = self.policy().dependencies
        if not project:
            return policy
        allowed = self.permissions().decide(
            actor, self.groups(actor), Action.READ, Resource(project=project)
        )
        with self.db.read() as tx:
            found = tx.projects.find(project)
        if found is None or not allowed.allowed:
            raise NotFound(f"There is no project {project!r}.", "See `headgate project list`.")
        head = await self.repository(project).resolve(f"refs/heads/{found.default_branch}")
        own = await self.project_config_or_default(project, head) if head else None
        return tightened(policy, [own.dependencies if own else None])

    # -- approving packages ------------------------------------------------------------------

    async def request_package(
        self, actor: Principal, purl: str, project: str = "", reason: str = ""
    ) -> PackageRequest:
        """Ask the approvers for a package.

        Raises Conflict for a package that needs no approval, or that the policy forbids.
        """
        package = parse_purl(purl)
        policy = await self.dependency_policy(project, actor)
        stands = standing(package, policy, self.granted(), project)
        if stands is not Standing.NEW:
            raise Conflict(f"`{package.name}` is {stands.value} already.")
        with self.db.write() as tx:
            waiting = sum(one.requested_by == actor.id for one in tx.package_requests.open())
            if waiting >= MOST_REQUESTS:
                raise Conflict(
                    f"{actor.name} waits for {waiting} packages already.",
                    "Wait until approvers have answered.",
                )
            found = tx.projects.find(project) if project else None
            request = tx.package_requests.ask(
                package.ecosystem,
                package.name,
                actor.id,
                reason[:2000],
                found.id if found else None,
            )
            tx.events.append(self._told("package.requested", actor, package, reason))
        return request

    async def approve_package(
        self, actor: Principal, purl: str, comment: str = ""
    ) -> Sequence[int]:
        """Approve a package for everybody; gives the changes that are inspected again.

        Raises Denied unless the actor is a human of the approvers' groups who did not ask for it,
        nor sponsors whoever did.
        """
        package = parse_purl(purl)
        rule = denial(package, self.policy().dependencies, "")
        if rule is not None and not rule.versions:
            raise Conflict(
                f"`{package.name}` is forbidden at {rule.place}, and a denial wins.",
                "Change the policy first.",
            )
        requests = self._open_requests(package)
        self._may_decide(actor, package, requests)
        with self.db.write() as tx:
            if not requests:
                requests = [
                    tx.package_requests.ask(package.ecosystem, package.name, actor.id, comment)
                ]
            tx.package_requests.decide(
                [one.id for one in requests], RequestState.APPROVED, actor.id, comment
            )
            tx.events.append(self._told("package.approved", actor, package, comment))
        return await self._inspect_waiting(requests)

    async def decline_package(
        self, actor: Principal, purl: str, comment: str
    ) -> Sequence[PackageRequest]:
        """Decline a package, or take an approval back.

        Raises NotFound when it was neither asked for nor approved.
        """
        package = parse_purl(purl)
        requests = self._open_requests(package)
        self._may_decide(actor, package, [])
        if not comment.strip():
            raise BadInput("A package is declined with a reason.", "Say why: --comment TEXT.")
        with self.db.write() as tx:
            tx.package_requests.decide(
                [one.id for one in requests], RequestState.DECLINED, actor.id, comment
            )
            revoked = tx.package_requests.revoke(package.ecosystem, package.name, actor.id, comment)
            if not requests and not revoked:
                raise NotFound(
                    f"Nobody asked for `{package.purl}`, and nobody approved it here.",
                    "See `headgate deps requests`.",
                )
            tx.events.append(self._told("package.declined", actor, package, comment))
        return requests

    def may_decide_packages(self, actor: Principal) -> str:
        """Why the actor may not approve packages at all; empty when it may."""
        groups = self.policy().dependencies.approvers or APPROVERS
        if not actor.is_human:
            return f"Approvals are acts of humans, and {actor.name} is none."
        if not self.groups(actor) & set(groups):
            return f"Packages are approved by {' or '.join(groups)}."
        return ""

    def _may_decide(
        self, actor: Principal, package: Package, requests: Sequence[PackageRequest]
    ) -> None:
        why = self.may_decide_packages(actor)
        if not why:
            askers = frozenset(one.requested_by for one in requests)
            why = may_approve(
                approver=actor,
                authors=askers,
                author_emails=frozenset(),
                sponsors=self._sponsors(askers),
            )
        if why:
            raise Denied(f"{actor.name} may not decide about `{package.purl}`: {why}")

    def _sponsors(self, askers: frozenset[PrincipalId]) -> frozenset[PrincipalId]:
        with self.db.read() as tx:
            found = [tx.principals.get(one).sponsor for one in askers]
        return frozenset(one for one in found if one is not None)

    def _open_requests(self, package: Package) -> list[PackageRequest]:
        with self.db.read() as tx:
            found = tx.package_requests.of_package(package.ecosystem, package.name)
        return [one for one in found if one.state is RequestState.OPEN]

    async def _inspect_waiting(self, requests: Sequence[PackageRequest]) -> list[int]:
        """Inspect the changes again that waited for a package."""
        numbers = sorted({one.change for one in requests if one.change is not None})
        again: list[int] = []
        for number in numbers:
            async with self.lock(number):
                with self.db.read() as tx:
                    state = tx.changes.get(number).state
                if state not in OPEN_STATES or state in (ChangeState.CHECKING, ChangeState.QUEUED):
                    continue
                words = "being inspected again, as a package was approved"
                self.set_state(number, ChangeState.CHECKING, words)
            self.inspect_soon(ChangeNumber(number))
            again.append(number)
        return again

    def _told(self, kind: str, actor: Principal, package: Package, comment: str) -> NewEvent:
        return NewEvent(
            kind, actor.name, f"package/{package.purl}", {"package": package.purl, "text": comment}
        )

    # -- what has landed ---------------------------------------------------------------------

    async def rematch(self, actor: Principal) -> MatchRun:
        """Compare everything that has landed with the advisories now."""
        self.require(actor, Action.ADMINISTER, Resource())
        return await self.landed.rematch()

    def on_events(self, events: Sequence[Event]) -> None:
        """Read the packages of what has landed."""
        super().on_events(events)
        for event in events:
            name = event.data.get("project")
            if event.kind == "branch.landed" and isinstance(name, str):
                self._spawn(self._read_landed(name))

    async def _read_landed(self, name: str) -> None:
        with self.db.read() as tx:
            project = tx.projects.find(name)
        if project is not None:
            await self.landed.read(project)
