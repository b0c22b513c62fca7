"""The policy, the set-up scripts of environments, queues, and the log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from headgate.authority.permissions import Action, Resource
from headgate.ledger.chain import Verification, verify
from headgate.model.config import Policy
from headgate.model.errors import BadInput, NotFound
from headgate.model.event import NewEvent
from headgate.model.principal import OPERATOR, Principal
from headgate.model.project import POLICY_PROJECT
from headgate.model.queue import Queue, QueueState
from headgate.model.toml.policy_file import parse_policy
from headgate.server.flow.flow import Flow
from headgate.server.flow.policy import POLICY_FILES


class PolicyCases(Flow):
    """What operators do."""

    async def import_policy(
        self, actor: Principal, files: Mapping[str, bytes], reason: str
    ) -> Policy:
        """Replace the policy outright: the operator's way to begin, and loud in the log.

        Everybody else changes the policy through the gate, like any project. Raises BadInput for
        files that are no policy; then the old one stays in force.
        """
        self.require(actor, Action.ADMINISTER, Resource(project=POLICY_PROJECT))
        if actor.name != OPERATOR:
            raise BadInput(
                "Only the operator, at the server itself, may import a policy.",
                "Push a change to the policy project instead.",
            )
        if not reason.strip():
            raise BadInput("An import of the policy needs a reason.", "Say why: --reason TEXT.")
        unknown = sorted(set(files) - set(POLICY_FILES))
        if unknown or "policy.toml" not in files:
            raise BadInput(
                f"A policy consists of {', '.join(POLICY_FILES)}, not of "
                f"{', '.join(sorted(files)) or 'nothing'}.",
                "Give a directory with a policy.toml.",
            )
        policy = parse_policy(files)
        self.validate_policy(policy)
        repository = self.repository(POLICY_PROJECT)
        branch = await repository.default_branch()
        parent = await repository.resolve(f"refs/heads/{branch}")
        kept = {f.path for f in await repository.files(parent)} if parent else set[str]()
        commit = await repository.commit_files(
            branch,
            {**files},
            f"Import the policy\n\n{reason.strip()}\n",
            self.gate_signature(),
            parent,
        )
        with self.db.write() as tx:
            tx.events.append(
                NewEvent(
                    "policy.imported",
                    actor.name,
                    f"project/{POLICY_PROJECT}",
                    {
                        "commit": commit,
                        "policy": policy.digest,
                        "reason": reason,
                        "files": sorted(kept | set(files)),
                    },
                )
            )
        await self.policy_changed()
        return self.policy()

    async def approve_setup(self, actor: Principal, digest: str, note: str = "") -> None:
        """Let the set-up script with this digest run, with network, to build environments."""
        self.require(actor, Action.ADMINISTER, Resource())
        digest = digest if digest.startswith("sha256:") else f"sha256:{digest}"
        if len(digest) != 71 or any(c not in "0123456789abcdef" for c in digest[7:]):
            raise BadInput(
                f"{digest!r} is not the digest of a set-up script.",
                "Give the sha256:… that the change's page or `headgate environment list` shows.",
            )
        with self.db.write() as tx:
            if not tx.setups.approved(digest):
                tx.setups.approve(digest, actor.id, note)
                tx.events.append(
                    NewEvent(
                        "setup.approved",
                        actor.name,
                        "environments",
                        {"digest": digest, "note": note},
                    )
                )

    async def freeze(self, actor: Principal, queue: str, reason: str = "") -> Queue:
        """Stop landings of a queue until it is thawed."""
        words = reason or f"frozen by {actor.name}"
        return self._set_queue(actor, queue, QueueState.FROZEN, words)

    async def thaw(self, actor: Principal, queue: str) -> Queue:
        """Let a frozen queue land again."""
        return self._set_queue(actor, queue, QueueState.ACTIVE, "")

    async def verify_audit(self, actor: Principal) -> Verification:
        """Check every entry of the log against the one before it."""
        self.require(actor, Action.READ_AUDIT, Resource())

        def read() -> Verification:
            with self.db.read() as tx:
                return verify(tx.events.iterate())

        return await asyncio.to_thread(read)

    def _set_queue(self, actor: Principal, name: str, state: QueueState, reason: str) -> Queue:
        self.require(actor, Action.ADMINISTER, Resource())
        with self.db.write() as tx:
            queue = next((q for q in tx.queues.all() if q.name == name), None)
            declared = next((q for q in self.policy().queues if q.name == name), None)
            if queue is None and declared is not None:
                queue = tx.queues.ensure(name, declared.window)
            if queue is None:
                raise NotFound(f"There is no queue {name!r}.", "See `headgate queue`.")
            tx.queues.set_state(queue.id, state, reason)
            kind = "queue.frozen" if state is QueueState.FROZEN else "queue.thawed"
            tx.events.append(
                NewEvent(kind, actor.name, f"queue/{name}", {"queue": name, "reason": reason})
            )
            queue = tx.queues.get(queue.id)
        self.gate.wake(queue.name)
        return queue
