"""Circles in what needs what."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.cycles import strongly_connected, way_round

graphs = st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 11), max_size=4), max_size=10)


def reached(graph: dict[int, list[int]], start: int) -> set[int]:
    """Everything that a node leads to, found the slow way."""
    found: set[int] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node in graph and node not in found:
            found.add(node)
            waiting.extend(graph[node])
    return found


@given(graphs)
def test_a_set_holds_exactly_those_that_reach_each_other(graph: dict[int, list[int]]) -> None:
    sets = strongly_connected(graph)
    member = {node: index for index, nodes in enumerate(sets) for node in nodes}
    assert len(member) == sum(len(nodes) for nodes in sets)
    for one in graph:
        for other in graph:
            if one == other:
                continue
            mutual = other in reached(graph, one) and one in reached(graph, other)
            assert mutual == (one in member and member.get(one) == member.get(other))


@given(graphs)
def test_sets_and_their_members_keep_the_order_of_the_graph(graph: dict[int, list[int]]) -> None:
    order = list(graph)
    sets = strongly_connected(graph)
    for nodes in sets:
        assert list(nodes) == sorted(nodes, key=order.index)
    assert [nodes[0] for nodes in sets] == sorted((n[0] for n in sets), key=order.index)


@given(graphs)
def test_a_way_round_is_there_when_a_node_reaches_itself(graph: dict[int, list[int]]) -> None:
    for node in graph:
        way = way_round(node, graph)
        assert bool(way) == (node in reached(graph, node))
        if way:
            assert way[0] == way[-1] == node
            assert all(b in graph[a] for a, b in itertools.pairwise(way))
            assert len(set(way)) == len(way) - 1


def test_a_long_stack_is_no_trouble() -> None:
    line = {n: [n + 1] for n in range(20_000)}
    assert strongly_connected(line) == ()
    (ring,) = strongly_connected({**line, 20_000: [0]})
    assert len(ring) == 20_001
