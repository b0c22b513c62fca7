"""The `[queues.NAME]` tables of policy.toml."""

from __future__ import annotations

from headgate.model.config import NewRevision, QueueMode, QueuePolicy
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table

_OF_CHAIN = ("window", "window-floor", "window-ceiling")
_OF_LANES = ("slots", "fuse", "source-window")

_SLOTS = 'Say how many builds run at once with `slots`, or set mode = "chain".'


def read_queues(root: Table) -> tuple[QueuePolicy, ...]:
    """The `[queues.NAME]` tables. Raises BadInput with file, line and key."""
    table = root.table("queues")
    if table is None:
        return ()
    found: list[QueuePolicy] = []
    taken: dict[tuple[str, str], str] = {}
    for name in table.names():
        check_name(table, name, "queue")
        one = table.table(name)
        if one is None:
            continue
        mode = _mode(one)
        queue = QueuePolicy(
            name=name,
            projects=one.texts("projects"),
            branches=one.texts("branches"),
            window=one.integer("window", 4, 1, 1000),
            window_floor=one.integer("window-floor", 2, 1, 1000),
            window_ceiling=one.integer("window-ceiling", 20, 1, 1000),
            new_revision=NewRevision(one.choice("new-revision", tuple(NewRevision), "replace")),
            mode=mode,
            slots=one.integer("slots", 4, 1, 1000),
            fuse=one.integer("fuse", 1, 1, 64),
            source_window=one.integer("source-window", 0, 0, 10_000),
        )
        one.done()
        _check_queue(one, queue, taken)
        found.append(queue)
    return tuple(found)


def _mode(table: Table) -> QueueMode:
    """Lanes, unless it says chain or how wide the window of one is; keys of one mode make no sense
    in the other."""
    window = next((key for key in _OF_CHAIN if table.has(key)), None)
    default = QueueMode.CHAIN if window else QueueMode.LANES
    mode = QueueMode(table.choice("mode", tuple(QueueMode), default.value))
    if mode is QueueMode.LANES:
        if window:
            table.fail(window, f"`{window}` has no meaning in lanes.", _SLOTS)
        return mode
    for key in _OF_LANES:
        if table.has(key):
            if table.has("mode"):
                remedy = 'Set mode = "lanes", or take it out.'
            else:
                remedy = f"`{window}` makes it one: take one of the two out."
            table.fail(key, f"`{key}` is not in a chain.", remedy)
    return mode


def _check_queue(table: Table, queue: QueuePolicy, taken: dict[tuple[str, str], str]) -> None:
    for key, names in (("projects", queue.projects), ("branches", queue.branches)):
        if not names:
            table.fail("", f"has no `{key}`.", f'Name some, e.g. {key} = ["main"].')
    if not queue.window_floor <= queue.window_ceiling:
        table.fail(
            "window-floor",
            f"{queue.window_floor} is above the window-ceiling {queue.window_ceiling}.",
        )
    if not queue.window_floor <= queue.window <= queue.window_ceiling:
        table.fail(
            "window",
            f"{queue.window} is not between window-floor {queue.window_floor} and "
            f"window-ceiling {queue.window_ceiling}.",
        )
    for project in queue.projects:
        for branch in queue.branches:
            other = taken.setdefault((project, branch), queue.name)
            if other != queue.name:
                table.fail(
                    "projects",
                    f"{branch} of {project} already belongs to the queue {other}.",
                    "A branch lands through one queue: take it out of one of them.",
                )
