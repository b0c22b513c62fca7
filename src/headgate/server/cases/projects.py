"""Projects: adding, and the hooks and refs that go with them."""

from __future__ import annotations

import re
import shutil

from headgate.authority.permissions import Action, Resource
from headgate.model.errors import BadInput, Conflict
from headgate.model.event import NewEvent
from headgate.model.principal import Principal
from headgate.model.project import Project
from headgate.server.core import Core
from headgate.vcs.hosting.install import install_hooks
from headgate.vcs.repository import Repository

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")


def check_name(name: str, what: str) -> None:
    """Raises BadInput unless the name is usable in addresses, refs and messages."""
    if not NAME.match(name) or name.endswith((".git", ".lock", ".json", ".")) or ".." in name:
        raise BadInput(
            f"{name!r} is not usable as the name of {what}.",
            "Use lower-case letters, digits and . _ - (at most 63, beginning with a letter or "
            "digit).",
        )


class ProjectCases(Core):
    """What people ask about projects."""

    async def add_project(
        self, actor: Principal, name: str, source: str = "", default_branch: str = ""
    ) -> Project:
        """Begin gating a repository: an empty one, or a copy of `source` (a URL or a path).

        Raises BadInput for a bad name or source, Conflict when the name is taken.
        """
        self.require(actor, Action.ADMINISTER, Resource(project=name))
        check_name(name, "a project")
        with self.db.read() as tx:
            if tx.projects.find(name) is not None:
                raise Conflict(
                    f"There is a project {name} already.", "Choose another name, or use that one."
                )
        path = self.repository_path(name)
        if path.exists():  # Left by an attempt that was cut off before the project was recorded.
            shutil.rmtree(path)
        try:
            if source:
                repository = await Repository.clone(path, source)
                branches = await repository.branches()
                branch = default_branch or await repository.default_branch()
                if branch not in branches:
                    raise BadInput(
                        f"{source} has no branch {branch}.",
                        "Name one of its branches: " + ", ".join(sorted(branches)[:8]) + ".",
                    )
            else:
                branch = default_branch or "main"
                repository = await Repository.create(path, branch)
                await self._first_commit(repository, name, branch)
            await install_hooks(path, max_input=self.settings.largest_push)
            with self.db.write() as tx:
                project = tx.projects.add(name, branch, source)
                tx.events.append(
                    NewEvent(
                        "project.added",
                        actor.name,
                        f"project/{name}",
                        {"project": name, "branch": branch, "source": source},
                    )
                )
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return project

    async def _first_commit(self, repository: Repository, name: str, branch: str) -> None:
        # An empty repository has no branch that a change could be proposed for.
        text = f"# {name}\n".encode()
        await repository.commit_files(
            branch, {"README.md": text}, f"Begin {name}", self.gate_signature(), None
        )
