"""Typed identifiers, so that one kind of number is never taken for another."""

from typing import NewType

ProjectId = NewType("ProjectId", int)
PrincipalId = NewType("PrincipalId", int)
ChangeNumber = NewType("ChangeNumber", int)
RevisionId = NewType("RevisionId", int)
QueueId = NewType("QueueId", int)
ItemId = NewType("ItemId", int)
NodeId = NewType("NodeId", int)
TrialId = NewType("TrialId", int)
BuildId = NewType("BuildId", int)
JobRunId = NewType("JobRunId", int)
PipelineRunId = NewType("PipelineRunId", int)
ApprovalId = NewType("ApprovalId", int)
EventId = NewType("EventId", int)
TrackedId = NewType("TrackedId", int)
ActId = NewType("ActId", int)

Commit = NewType("Commit", str)
"""A full, lower-case hexadecimal commit id."""

Tree = NewType("Tree", str)
"""A full, lower-case hexadecimal tree id."""

NO_COMMIT = Commit("0" * 40)
"""What git calls the absence of a ref."""
