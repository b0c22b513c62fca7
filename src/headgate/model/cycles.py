"""Circles in what needs what. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")


def strongly_connected(graph: Mapping[T, Collection[T]]) -> tuple[tuple[T, ...], ...]:
    """The sets of nodes that all reach each other, each in the order of `graph`.

    A node that reaches only itself, or nobody, is in none. What edges lead to and is no node of
    the graph is ignored. Tarjan, "Depth-first search and linear graph algorithms" (1972), without
    recursion: a stack of changes may be deeper than Python's.
    """
    position = {node: index for index, node in enumerate(graph)}
    seen: dict[T, int] = {}
    lowest: dict[T, int] = {}
    path: list[T] = []
    on_path: set[T] = set()
    found: list[tuple[T, ...]] = []
    for root in graph:
        if root in seen:
            continue
        work: list[tuple[T, Iterator[T]]] = [_enter(root, graph, seen, lowest, path, on_path)]
        while work:
            node, edges = work[-1]
            further = next((n for n in edges if n not in seen), None)
            if further is not None:
                work.append(_enter(further, graph, seen, lowest, path, on_path))
                continue
            work.pop()
            reached = [lowest[n] for n in graph[node] if n in on_path]
            lowest[node] = min([lowest[node], *reached])
            if lowest[node] == seen[node]:
                start = path.index(node)
                members, path[start:] = path[start:], []
                on_path.difference_update(members)
                if len(members) > 1:
                    found.append(tuple(sorted(members, key=position.__getitem__)))
    return tuple(sorted(found, key=lambda members: position[members[0]]))


def _enter(
    node: T,
    graph: Mapping[T, Collection[T]],
    seen: dict[T, int],
    lowest: dict[T, int],
    path: list[T],
    on_path: set[T],
) -> tuple[T, Iterator[T]]:
    seen[node] = lowest[node] = len(seen)
    path.append(node)
    on_path.add(node)
    return node, iter([n for n in graph[node] if n in graph])


def way_round(start: T, graph: Mapping[T, Collection[T]]) -> list[T]:
    """A shortest way from a node back to itself, both ends named; empty when there is none."""
    paths = [[start]]
    seen: set[T] = set()
    while paths:
        path = paths.pop(0)
        for node in graph.get(path[-1], ()):
            if node == start:
                return [*path, start]
            if node in graph and node not in seen:
                seen.add(node)
                paths.append([*path, node])
    return []
