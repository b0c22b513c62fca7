"""Which finding of a state is which of an earlier one, and which ones a change introduces.

Every finding of the base accounts for one of the head. Pairs are sought in tiers, the strictest
first, so that a finding whose line moved is not new, and a second copy of an old one is. Each tier
has a guard against taking a new finding for an old one:

1. the same statement in the same scope, on the line that the diff maps the old one to;
2. the same statement in the same scope;
3. a similar statement on the line that the diff maps the old one to;
4. a similar statement in the same scope, when nothing else fits better;
5. elsewhere, when the old scope is gone and the bodies are similar; the same statement also in a
   definition of the same name, or in a new definition of the same file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from headgate.scan.identity import Anchor
from headgate.scan.lines import LineMap
from headgate.scan.outline import Outline, squeezed
from headgate.scan.text import Text

SAME_STATEMENT = 0.5
"""How alike a statement must be to be an edit of an old one in the same place."""
SAME_BODY = 0.6
"""How alike the surroundings must be for a finding to count as moved to another scope."""

Read = Callable[[str], Text | None]
"""The text of a path in one state; None where there is none."""


def _nothing(path: str) -> Text | None:
    return None


def introduced(
    head: Sequence[Anchor],
    base: Sequence[Anchor],
    renamed: Mapping[str, str],
    head_text: Read = _nothing,
    base_text: Read = _nothing,
) -> tuple[int, ...]:
    """Indexes into `head` of the findings that the change brings; arguments as for `pairs`."""
    known = pairs(head, base, renamed, head_text, base_text)
    return tuple(index for index in range(len(head)) if index not in known)


def pairs(
    head: Sequence[Anchor],
    base: Sequence[Anchor],
    renamed: Mapping[str, str],
    head_text: Read = _nothing,
    base_text: Read = _nothing,
) -> dict[int, int]:
    """Index of a finding in the head → its index in the base.

    `renamed`: path in the head → path in the base, for files that were renamed.
    """
    return _Pairing(head, base, renamed, head_text, base_text).run()


class _Pairing:
    def __init__(
        self,
        head: Sequence[Anchor],
        base: Sequence[Anchor],
        renamed: Mapping[str, str],
        head_text: Read,
        base_text: Read,
    ) -> None:
        self._head = head
        self._base = base
        self._renamed = renamed
        self._moved = {old: new for new, old in renamed.items()}
        self._read = head_text, base_text
        self._maps: dict[str, LineMap | None] = {}
        self._scopes: tuple[dict[str, frozenset[str] | None], ...] = ({}, {})
        self._new = dict.fromkeys(range(len(head)))
        self._old = dict.fromkeys(range(len(base)))
        self._pairs: dict[int, int] = {}

    def run(self) -> dict[int, int]:
        self._same()
        if self._new and self._old:
            self._edited_on_its_line()
            self._edited_in_its_scope()
            self._elsewhere()
        return self._pairs

    def _pair(self, new: int, old: int) -> None:
        del self._new[new]
        del self._old[old]
        self._pairs[new] = old

    def _old_path(self, anchor: Anchor) -> str:
        return self._renamed.get(anchor.path, anchor.path)

    # -- tiers -------------------------------------------------------------------------------

    def _same(self) -> None:
        left: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        for old in self._old:
            one = self._base[old]
            left[one.rule, one.path, one.scope, one.statement].append(old)
        right: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        for new in self._new:
            one = self._head[new]
            key = (one.rule, self._old_path(one), one.scope, one.statement)
            if key in left:
                right[key].append(new)
        for key, news in right.items():
            olds = left[key]
            if len(olds) != len(news):
                # Twins: those that the diff leaves in place belong together.
                for new in tuple(news):
                    mapped = next((old for old in olds if self._on_line(old, new, True)), None)
                    if mapped is not None:
                        self._pair(new, mapped)
                        olds.remove(mapped)
                        news.remove(new)
            for new, old in zip(news, tuple(olds), strict=False):
                self._pair(new, old)

    def _edited_on_its_line(self) -> None:
        self._best(
            (_similar(self._base[old], self._head[new]), new, old)
            for new in self._new
            for old in self._old
            if self._base[old].path == self._old_path(self._head[new])
            and self._on_line(old, new, False)
        )

    def _edited_in_its_scope(self) -> None:
        groups: dict[tuple[str, str, str], tuple[list[int], list[int]]] = defaultdict(
            lambda: ([], [])
        )
        for new in self._new:
            one = self._head[new]
            groups[one.rule, self._old_path(one), one.scope][0].append(new)
        for old in self._old:
            one = self._base[old]
            groups[one.rule, one.path, one.scope][1].append(old)
        self._best(
            (_similar(self._base[old], self._head[new]), new, old)
            for news, olds in groups.values()
            for new in news
            for old in olds
        )

    def _elsewhere(self) -> None:
        found: list[tuple[float, int, int]] = []
        for new in self._new:
            one = self._head[new]
            for old in self._old:
                other = self._base[old]
                if other.rule != one.rule or not self._may_have_moved(other, one):
                    continue
                alike, same = _alike(other.body, one.body), other.statement == one.statement
                named_alike = bool(one.scope) and other.scope == one.scope
                if same and (named_alike or self._is_extracted(other, one)):
                    alike = max(alike, SAME_BODY)
                if alike >= SAME_BODY and (same or _similar(other, one) >= SAME_BODY):
                    found.append((alike + same, new, old))
        self._best(iter(found))

    def _best(self, candidates: Iterator[tuple[float, int, int]]) -> None:
        """Pair the most similar first."""
        kept = [one for one in candidates if one[0] >= SAME_STATEMENT]
        for _, new, old in sorted(kept, key=lambda one: (-one[0], one[1], one[2])):
            if new in self._new and old in self._old:
                self._pair(new, old)

    # -- guards ------------------------------------------------------------------------------

    def _may_have_moved(self, old: Anchor, new: Anchor) -> bool:
        """Whether the old place is gone, or the new one did not exist."""
        path = self._moved.get(old.path, old.path)
        scopes = self._scopes_of(0, path)
        if scopes is None:
            return True
        return (bool(old.scope) and old.scope not in scopes) or (
            old.statement == new.statement and (not old.scope or self._is_extracted(old, new))
        )

    def _is_extracted(self, old: Anchor, new: Anchor) -> bool:
        """Whether the finding is in a new definition of the file that it was in."""
        before = self._scopes_of(1, old.path)
        return (
            self._old_path(new) == old.path
            and bool(new.scope)
            and before is not None
            and new.scope not in before
        )

    def _scopes_of(self, side: int, path: str) -> frozenset[str] | None:
        cache = self._scopes[side]
        if path not in cache:
            text = self._read[side](path)
            cache[path] = None if text is None else Outline(text, path).scopes
        return cache[path]

    def _on_line(self, old: int, new: int, exactly: bool) -> bool:
        """Whether the diff maps the line of the one to that of the other."""
        was, now = self._base[old], self._head[new]
        if now.path not in self._maps:
            left, right = self._read[1](was.path), self._read[0](now.path)
            self._maps[now.path] = (
                LineMap(_lines(left), _lines(right))
                if left is not None and right is not None
                else None
            )
        lines = self._maps[now.path]
        if lines is None:
            return False
        first, last = lines.range(was.line)
        return first <= now.line <= last and (not exactly or first == last)


def _similar(old: Anchor, new: Anchor) -> float:
    """How alike the statements are, from 0 to 1; 0 for another rule or another secret."""
    left, _, left_mark = old.statement.partition("\0")
    right, _, right_mark = new.statement.partition("\0")
    if left_mark != right_mark or old.rule != new.rule:
        # Another secret in an old place is a new leak.
        return 0.0
    return _ratio(left, right)


def _alike(left: Sequence[str], right: Sequence[str]) -> float:
    if not left and not right:
        return 1.0
    return _ratio(left, right)


def _ratio(left: Sequence[str], right: Sequence[str]) -> float:
    from difflib import SequenceMatcher  # Only states with a base are compared.

    return SequenceMatcher(None, left, right, autojunk=False).ratio()


def _lines(text: Text) -> list[str]:
    return [squeezed(line) for line in text.lines]
