"""What pipelines need of the rest of the house, besides what the gate needs."""

from __future__ import annotations

from typing import Protocol

from headgate.gate.ports import GatePorts
from headgate.model.event import Event
from headgate.model.ids import ChangeNumber, RevisionId
from headgate.model.report import Status


class PipelinePorts(GatePorts, Protocol):
    """Repositories, configuration, policy, a place for jobs to run, and who is told."""

    async def report(self, project: str, status: Status) -> None:
        """Tell the forge how a commit fares. Raises HeadgateError; it is tried again."""
        ...

    def page(self, path: str) -> str:
        """The whole address of a page."""
        ...

    def trusted(self, revision: RevisionId) -> bool:
        """Whether the verdict on this very revision allows it as it is."""
        ...

    async def asked(self, number: ChangeNumber, actor: str) -> None:
        """Somebody who may do so asked in a comment that a change enter its gate."""
        ...

    async def decided(self, outcome: Event) -> None:
        """A change landed or was ejected: tell it, as the pipeline of its gate says."""
        ...

    async def landed_elsewhere(self, landing: Event) -> None:
        """Test again what waits in other queues and was tested with what this landing replaced."""
        ...
