"""The schema, a module for each subject; portable between SQLite and PostgreSQL.

Whoever imports one table knows them all, as they refer to each other. migrations/ follows it.
"""

from headgate.store.tables import (
    changes,
    checks,
    events,
    findings,
    jobs,
    lanes,
    packages,
    people,
    pipelines,
    queues,
)

__all__ = [
    "changes",
    "checks",
    "events",
    "findings",
    "jobs",
    "lanes",
    "packages",
    "people",
    "pipelines",
    "queues",
]
