"""Files of commits, by way of the repositories on this machine."""

from __future__ import annotations

from pathlib import Path

from headgate.model.ids import Commit


class RepositoryExporter:
    """Exports from bare repositories of this machine."""

    async def export(
        self, repository: str, commit: Commit, directory: Path, patterns: tuple[str, ...] = ()
    ) -> None:
        """See Exporter."""
        # Imported here: the sandbox and its probe are used without any repository.
        from headgate.vcs.repository import Repository

        await Repository(Path(repository)).export(commit, directory, patterns)
