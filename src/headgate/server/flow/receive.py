"""What happens while git waits for our answer to a push."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from headgate.authority.permissions import Action, Resource
from headgate.forge.own import PREFIX
from headgate.model.change import Change, ChangeState
from headgate.model.errors import HeadgateError
from headgate.model.event import NewEvent
from headgate.model.ids import Commit
from headgate.model.principal import Principal
from headgate.server.flow.intake import Later
from headgate.server.flow.rules import TAGS, RefWish, refuse
from headgate.vcs.hosting.hook_server import (
    CommandResult,
    Push,
    RefUpdate,
    Refusal,
    printable,
)
from headgate.vcs.limits import inspect_push, remarks
from headgate.vcs.repository import Repository

if TYPE_CHECKING:
    from headgate.server.flow.flow import Flow

log = structlog.get_logger()

_MOST_ORDERED = 16
"""Changes of one push that are put in order; it takes a look at every pair."""


class Receiver:
    """Answers the hooks of every project: refuses, or takes proposals in."""

    def __init__(self, house: Flow) -> None:
        self._house = house

    async def pre_receive(self, push: Push, updates: list[RefUpdate]) -> list[Refusal]:
        """Refuse what may not be; the objects are still in quarantine."""
        known = self._house.pushes.get(push.push_id)
        if known is None:
            return [Refusal(u.ref, "this push did not come through Headgate.") for u in updates]
        project, who = known
        refusals: list[Refusal] = []
        for update in updates:
            wish = RefWish(update.ref, update.old, update.new)
            why = refuse(wish, who, project, self._house.settings.url)
            if not why:
                why = self._permitted(project, who, update)
            if not why and not wish.deletes:
                repository = Repository(push.repository, environment=push.quarantine)
                why = await self._limits(repository, update)
            tags = update.ref.startswith(TAGS)
            if not why and tags:
                await self._announce(project, who, push, update)
            if why:
                refusals.append(Refusal(update.ref, why))
                with self._house.db.write() as tx:
                    tx.events.append(
                        NewEvent(
                            "push.refused",
                            who.name,
                            f"project/{project}",
                            {
                                "project": project,
                                "ref": printable(update.ref),
                                "reason": printable(why),
                            },
                        )
                    )
        return refusals

    async def proc_receive(
        self,
        push: Push,
        commands: list[RefUpdate],
        options: list[str],
        say: Callable[[str], None],
    ) -> list[CommandResult]:
        """Take each proposal in, and wait a while for its verdict."""
        known = self._house.pushes.get(push.push_id)
        results: list[CommandResult] = []
        taken: list[Change] = []
        for command in await self._lowest_first(known, commands):
            if known is None:
                results.append(CommandResult(command.ref, False, "not through Headgate"))
                continue
            project, who = known
            try:
                change = await self._take(project, who, command, options, say)
            except HeadgateError as error:
                say(str(error))
                results.append(CommandResult(command.ref, False, printable(error.message)))
                continue
            taken.append(change)
            results.append(CommandResult(command.ref, True, ""))
        patience = self._house.settings.verdict_patience
        for change in taken:
            await self._report(change, patience, say)
        return results

    def _permitted(self, project: str, who: Principal, update: RefUpdate) -> str:
        action = Action.PUSH if update.ref.startswith(PREFIX) else Action.PUSH_OWN_REF
        if update.ref.startswith(TAGS):
            action = Action.TAG
        decision = self._house.permissions().decide(
            who, self._house.groups(who), action, Resource(project=project, ref=update.ref)
        )
        return "" if decision.allowed else decision.reason

    async def _lowest_first(
        self, known: tuple[str, Principal] | None, commands: list[RefUpdate]
    ) -> list[RefUpdate]:
        """Of a stack that is pushed at once, each change before those that stand on it."""
        if known is None or not 1 < len(commands) <= _MOST_ORDERED:
            return commands
        repository = self._house.repository(known[0])
        below: dict[str, int] = {}
        for one in commands:
            contained = [
                await repository.is_ancestor(Commit(other.new), Commit(one.new))
                for other in commands
                if other.new != one.new
            ]
            below[one.ref] = sum(contained)
        return sorted(commands, key=lambda command: below[command.ref])

    async def _announce(self, project: str, who: Principal, push: Push, update: RefUpdate) -> None:
        repository = Repository(push.repository, environment=push.quarantine)
        commit = await repository.resolve(update.new)
        if commit is None:
            return
        with self._house.db.write() as tx:
            # Should we die before git is done, the next start finds out whether it took the tag.
            id, name = tx.projects.by_name(project).id, update.ref.removeprefix(TAGS)
            tx.tags.announce(id, name, update.new, commit, who.id)

    async def _limits(self, repository: Repository, update: RefUpdate) -> str:
        settings = self._house.settings
        if update.ref.startswith(TAGS):
            return await _tag_limits(repository, update)
        if await repository.resolve(f"{update.new}^{{commit}}") != update.new:
            return (
                f"{update.new[:10]} is not a commit, so it cannot be pushed to "
                f"{printable(update.ref)}: push a commit, not a tag or a tree."
            )
        problems = await inspect_push(
            repository, Commit(update.new), largest_file=settings.largest_file
        )
        return " ".join(problems)

    async def _take(
        self,
        project_name: str,
        who: Principal,
        command: RefUpdate,
        options: list[str],
        say: Callable[[str], None],
    ) -> Change:
        house = self._house
        with house.db.read() as tx:
            project = tx.projects.by_name(project_name)
            sponsor = tx.principals.get(who.sponsor).name if who.sponsor is not None else ""
        taken = await house.intake.take(
            house.repository(project_name),
            project,
            who,
            sponsor,
            command.ref,
            Commit(command.new),
            options,
        )
        change = taken.change
        if isinstance(taken, Later):
            say(
                f"#{change.number} is in its queue; this revision is taken once it has its verdict."
            )
            return change
        word = "new change" if taken.previous is None else f"revision {taken.revision.number} of"
        say(f"{word} #{change.number}: {printable(change.title)}")
        say(f"{house.settings.url}/changes/{change.number}")
        if not change.topic:
            say(f"to revise it, push again with -o change={change.number}")
        for below in taken.revision.stands_on:
            said = f"stands on #{below.change}, which has to land first or with it"
            say(f"{said}; its own commits begin from {taken.revision.base[:10]}")
        for address in taken.revision.external:
            say(f"depends on {printable(address)}, which is not on this server")
        repository = house.repository(project_name)
        for remark in await remarks(repository, taken.revision.base, taken.revision.head):
            say(f"note: {remark}")
        house.inspect_soon(change.number)
        return change

    async def _report(self, change: Change, patience: float, say: Callable[[str], None]) -> None:
        """Say what the verdict is once it is there."""
        house = self._house
        try:
            async with asyncio.timeout(patience):
                await house.inspected(change.number)
        except TimeoutError:
            say(f"#{change.number} is still being inspected; its page will show the verdict.")
            return
        with house.db.read() as tx:
            now = tx.changes.get(change.number)
            verdict = tx.verdicts.latest(tx.changes.current_revision(change.number).id)
        if verdict is not None:
            tier = verdict.risk.tier.word
            say(f"verdict on #{change.number}: {verdict.kind.value} (risk: {tier})")
            for reason in verdict.reasons:
                for line in printable(reason).splitlines():
                    say(f"  {line}")
        if now.state is not ChangeState.DENIED:
            say(f"#{change.number} is {now.state.value}: {printable(now.reason)}")


async def _tag_limits(repository: Repository, update: RefUpdate) -> str:
    """Why this cannot be tagged; empty when it is something that has landed."""
    commit = await repository.resolve(update.new)
    if commit is None:
        return f"{update.new[:10]} is no commit, nor a tag of one: tag a commit."
    for head in (await repository.branches()).values():
        if await repository.is_ancestor(commit, head):
            return ""
    return (
        f"{commit[:10]} is on no branch of this project: only what has landed can be tagged. "
        "Land it first, then tag the landed commit."
    )
