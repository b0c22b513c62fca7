"""What a commit of a project depends on."""

from __future__ import annotations

from datetime import UTC, datetime

from headgate.authority.permissions import Action, Resource
from headgate.deps.change import read_commit
from headgate.deps.inventory import Inventory, inventory
from headgate.deps.sbom.subject import Subject
from headgate.model.errors import NotFound
from headgate.model.principal import Principal
from headgate.server.core import Core


class InventoryCases(Core):
    """Dependencies of what has landed, or is proposed."""

    async def inventory(
        self, actor: Principal, project: str, rev: str
    ) -> tuple[Inventory, Subject]:
        """The packages of a commit, by its id or the name of a branch; empty: the default branch.

        Raises NotFound when there is no such project or commit, or the actor may not read it.
        """
        decision = self.permissions().decide(
            actor, self.groups(actor), Action.READ, Resource(project=project)
        )
        if not decision.allowed:
            raise NotFound(f"There is no project {project}.", "See /projects for those there are.")
        with self.db.read() as tx:
            branch = tx.projects.by_name(project).default_branch
        repository = self.repository(project)
        commit = await repository.resolve(rev or f"refs/heads/{branch}")
        if commit is None:
            named = rev[:80] or branch
            raise NotFound(
                f"There is no commit {named} in {project}.", "Name a branch or a commit's id."
            )
        info = await repository.info(commit)
        created = datetime.fromtimestamp(info.committer.time, UTC)
        return inventory(await read_commit(repository, commit)), Subject(project, commit, created)
