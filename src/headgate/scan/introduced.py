"""Which findings a change introduces: those that nothing in the base accounts for.

Every finding of the base accounts for one of the head. Pairs are sought in tiers, the strictest
first, so that a finding whose line moved is not new, and a second copy of an old one is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher

from headgate.scan.identity import Anchor

SAME_STATEMENT = 0.5
"""How alike a statement must be to be an edit of an old one in the same scope."""
SAME_BODY = 0.6
"""How alike the surroundings must be for a finding to count as moved to another scope."""


def introduced(
    head: Sequence[Anchor], base: Sequence[Anchor], renamed: Mapping[str, str]
) -> tuple[int, ...]:
    """Indexes into `head` of the findings that the change brings.

    `renamed`: path in the head → path in the base, for files that were renamed.
    """
    new = set(range(len(head)))
    old = set(range(len(base)))

    def path(anchor: Anchor) -> str:
        return renamed.get(anchor.path, anchor.path)

    def pair(key: Callable[[Anchor, bool], Hashable]) -> None:
        left: dict[Hashable, list[int]] = defaultdict(list)
        for index in sorted(old):
            left[key(base[index], False)].append(index)
        for index in sorted(new):
            matches = left.get(key(head[index], True))
            if matches:
                old.discard(matches.pop(0))
                new.discard(index)

    def old_path(anchor: Anchor, in_head: bool) -> str:
        return path(anchor) if in_head else anchor.path

    pair(lambda a, in_head: (a.rule, old_path(a, in_head), a.scope, a.statement))
    pair(lambda a, in_head: (a.rule, old_path(a, in_head), a.statement))
    # Elsewhere: only what is gone from its old place, and only with its surroundings.
    for index in sorted(new):
        anchor = head[index]
        moved = [
            other
            for other in sorted(old)
            if base[other].rule == anchor.rule
            and base[other].statement == anchor.statement
            and _alike(base[other].body, anchor.body) >= SAME_BODY
        ]
        edited = [
            other
            for other in sorted(old)
            if base[other].rule == anchor.rule
            and base[other].path == path(anchor)
            and base[other].scope == anchor.scope
            and _is_edit(base[other].statement, anchor.statement)
        ]
        for other in (*moved, *edited)[:1]:
            old.discard(other)
            new.discard(index)
    return tuple(sorted(new))


def _alike(left: Sequence[str], right: Sequence[str]) -> float:
    if not left and not right:
        return 1.0
    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _is_edit(left: str, right: str) -> bool:
    left, _, left_mark = left.partition("\0")
    right, _, right_mark = right.partition("\0")
    if left_mark != right_mark:
        # Another secret in an old place is a new leak.
        return False
    return SequenceMatcher(None, left, right, autojunk=False).ratio() >= SAME_STATEMENT
