"""The schema. Portable between SQLite and PostgreSQL; migrations/ follows it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


projects = Table(
    "projects",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("default_branch", Text, nullable=False),
    Column("source", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
)

principals = Table(
    "principals",
    metadata,
    _id(),
    Column("name", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("display", Text, nullable=False),
    Column("email", Text, nullable=False, default=""),
    Column("sponsor_id", Integer, ForeignKey("principals.id")),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("lookup", String(32), nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # session, or link: a one-time sign-in code
    Column("digest", String(64), nullable=False, unique=True),
    Column("csrf", String(64), nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("ended", Float),
)

changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False, index=True),
    Column("branch", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("owner_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("revision", Integer, nullable=False),
    Column("entry", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("landed_commit", String(64)),
    Index("ix_changes_topic", "project_id", "branch", "owner_id", "topic"),
)

revisions = Table(
    "revisions",
    metadata,
    _id(),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("head", String(64), nullable=False, index=True),
    Column("base", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("options", JSON, nullable=False),
    Column("depends_on", JSON, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("change", "number"),
)

revision_commits = Table(
    "revision_commits",
    metadata,
    Column("revision_id", Integer, ForeignKey("revisions.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),  # oldest first
    Column("commit", String(64), nullable=False, index=True),
    Column("info", JSON, nullable=False),
    Column("origin", JSON, nullable=False),
)

revision_dependencies = Table(
    "revision_dependencies",  # of current revisions only: who waits for whom
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True),
    Column("depends_on", Integer, ForeignKey("changes.number"), primary_key=True, index=True),
)

external_dependencies = Table(
    "external_dependencies",  # only those that a human has said to be fulfilled
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("comment", Text, nullable=False),
    Column("created", Float, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    _id(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("skipped", JSON, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("revision_id", "name"),
)

findings = Table(
    "findings",
    metadata,
    _id(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("check_name", String(64), nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("path", Text, nullable=False),  # bytes that are not UTF-8 percent-encoded on write
    Column("line", Integer, nullable=False),
    Column("body", JSON, nullable=False),
)

tracked_findings = Table(
    "tracked_findings",  # one row for each finding that a branch has or had
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False, index=True),
    Column("check_name", String(64), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("first_seen", Float, nullable=False),
    Column("first_commit", String(64), nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("last_commit", String(64), nullable=False),
    Column("fixed", Float),
    Column("owner", Text, nullable=False, default=""),
    Column("owner_source", String(16), nullable=False, default=""),
    Column("rank", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    UniqueConstraint("project_id", "branch", "identity"),
)

finding_acts = Table(
    "finding_acts",  # what people said of findings, on every branch
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("silences", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires", Float),
    Column("created", Float, nullable=False),
    Column("ended", Float),
)

branch_scans = Table(
    "branch_scans",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("counts", JSON, nullable=False),
    Index("ix_branch_scans_branch", "project_id", "branch"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _id(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("created", Float, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    _id(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("approver_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("binding", JSON, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("void", Text, nullable=False, default=""),
)

queues = Table(
    "queues",
    metadata,
    _id(),
    Column("name", String(160), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("window", Integer, nullable=False),
)

items = Table(
    "items",
    metadata,
    _id(),
    Column("queue_id", Integer, ForeignKey("queues.id"), nullable=False, index=True),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False, index=True),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("priority", Integer, nullable=False, default=0, server_default="0"),
    Column("held", Boolean, nullable=False, default=False, server_default=false()),
    UniqueConstraint("queue_id", "position"),
    Index("ix_items_queue_state", "queue_id", "state"),
    Index("ix_items_queue_finished", "queue_id", "finished"),
)

nodes = Table(
    "nodes",
    metadata,
    _id(),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False, index=True),
    Column("assumed", JSON, nullable=False),
    Column("base", String(64), nullable=False),
    Column("commit", String(64)),
    Column("tree", String(64)),
    Column("future", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("unit", JSON, nullable=False, default=list, server_default="[]"),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("build_id", Integer, ForeignKey("builds.id")),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("trial_id", Integer, index=True),  # of trials; none in a chain
)

trials = Table(
    "trials",  # of queues of lanes
    metadata,
    _id(),
    Column("queue_id", Integer, ForeignKey("queues.id"), nullable=False, index=True),
    Column("purpose", String(16), nullable=False),
    Column("members", JSON, nullable=False),
    Column("assumed", JSON, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("heads", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("before", JSON, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("culprits", JSON(none_as_null=True)),
    Column("build_id", Integer, ForeignKey("builds.id"), index=True),
    Column("baseline_id", Integer, ForeignKey("builds.id"), index=True),
    Column("reused", JSON, nullable=False),
    Column("expected", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("rules", String(64), nullable=False, default="", server_default=""),
    Index("ix_trials_queue_state", "queue_id", "state"),
)

job_results = Table(
    "job_results",  # runs that passed, by everything that could decide that
    metadata,
    Column("key", String(64), primary_key=True),
    Column("run_id", Integer, ForeignKey("job_runs.id"), nullable=False),
    Column("created", Float, nullable=False),
)

builds = Table(
    "builds",
    metadata,
    _id(),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("finished", Float),
)

job_runs = Table(
    "job_runs",
    metadata,
    _id(),
    Column("build_id", Integer, ForeignKey("builds.id"), nullable=False, index=True),
    Column("project", String(64), nullable=False),
    Column("job", String(255), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("voting", Boolean, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    UniqueConstraint("build_id", "project", "job", "attempt"),
)

provisions = Table(
    "provisions",  # names under which the artifacts of passed runs are found
    metadata,
    Column("run_id", Integer, ForeignKey("job_runs.id"), primary_key=True),
    Column("name", String(64), primary_key=True, index=True),
)

secrets = Table(
    "secrets",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("set_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

holds = Table(
    "holds",
    metadata,
    _id(),
    Column("project", String(64), nullable=False),
    Column("job", String(255), nullable=False),
    Column("asked_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("run_id", Integer, ForeignKey("job_runs.id")),
    Column("place", Text, nullable=False, default=""),
)

landings = Table(
    "landings",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("branch", Text, nullable=False),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False),
    Column("before", String(64), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("tested_tree", String(64), nullable=False),
    Column("landed_tree", String(64), nullable=False),
    Column("time", Float, nullable=False),
    Column("unit", JSON, nullable=False, default=list, server_default="[]"),
)

pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    _id(),
    Column("pipeline", String(64), nullable=False, index=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),  # empty for a tag
    Column("tag", Text, nullable=False, default=""),
    Column("trigger", String(24), nullable=False),
    Column("cause", String(80), nullable=False),  # one run for each cause, however often it is told
    Column("actor", String(64), nullable=False),
    Column("change", Integer, ForeignKey("changes.number"), index=True),
    Column("revision_id", Integer, ForeignKey("revisions.id")),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("base", String(64)),
    Column("commit", String(64)),
    Column("tree", String(64)),
    Column("future", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("build_id", Integer, ForeignKey("builds.id"), index=True),
    Column("rounds", Integer, nullable=False, default=0),
    Column("reported", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    UniqueConstraint("pipeline", "project_id", "branch", "cause"),
)

pipeline_marks = Table(
    "pipeline_marks",  # how far the log of events and the clock have been followed
    metadata,
    Column("name", String(160), primary_key=True),
    Column("value", Float, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("object", String(64), nullable=False),  # the tag itself, when it is annotated
    Column("commit", String(64), nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("state", String(16), nullable=False),  # announced before git takes it, then pushed
    Column("created", Float, nullable=False),
    UniqueConstraint("project_id", "name"),
)

parked_pushes = Table(
    "parked_pushes",  # revisions that wait until the one in the queue has its verdict
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True, autoincrement=False),
    Column("head", String(64), nullable=False),
    Column("ref", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
)

setups = Table(
    "setups",
    metadata,
    Column("digest", String(80), primary_key=True),  # sha256:… of a set-up script
    Column("approved_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("time", String(20), nullable=False),  # microseconds; text, as 2**53 is near
    Column("kind", String(64), nullable=False, index=True),
    Column("actor", String(64), nullable=False),
    Column("subject", String(160), nullable=False, index=True),
    Column("data", Text, nullable=False),  # canonical JSON, byte for byte as hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

package_requests = Table(
    "package_requests",
    metadata,
    _id(),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id")),
    Column("change", Integer, ForeignKey("changes.number"), index=True),
    Column("requested_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("decided_by", Integer, ForeignKey("principals.id")),
    Column("comment", Text, nullable=False, default=""),
    Column("decided", Float),
    Index("ix_package_requests_package", "ecosystem", "name"),
)

landed_trees = Table(
    "landed_trees",  # the branch whose packages landed_packages holds
    metadata,
    Column("project_id", Integer, ForeignKey("projects.id"), primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("commit", String(64), nullable=False),
    Column("read", Float, nullable=False),
    Column("problems", JSON, nullable=False),
)

landed_packages = Table(
    "landed_packages",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("development", Boolean, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("licence", Text, nullable=False),
    Column("source", Text, nullable=False),
    Index("ix_landed_packages_project", "project_id", "branch"),
    Index("ix_landed_packages_package", "ecosystem", "name"),
)

package_findings = Table(
    "package_findings",
    metadata,
    _id(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("identity", String(64), nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("advisories", JSON, nullable=False),
    Column("opened", Float, nullable=False),
    Column("due", Float),
    Column("closed", Float, index=True),
    Index("ix_package_findings_identity", "project_id", "branch", "identity"),
)

match_runs = Table(
    "match_runs",
    metadata,
    _id(),
    Column("begun", Float, nullable=False),
    Column("ended", Float, nullable=False),
    Column("packages", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("data_as_of", Float),
    Column("problem", Text, nullable=False),
    Column("unused", JSON, nullable=False),
)
