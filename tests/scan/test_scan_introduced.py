"""New findings told from old ones, whatever happens to the lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headgate.model.finding import Confidence, Finding, Severity, Span
from headgate.scan.identity import Anchor, anchor, identity, scope
from headgate.scan.introduced import introduced
from headgate.scan.text import Text


def at(line: int, statement: str = "bad(x)", scope: str = "f", path: str = "a.py") -> Anchor:
    return Anchor("rule", scope, statement, ("before", "after"), path, line)


def test_a_moved_line_is_old_and_a_second_one_is_new() -> None:
    assert introduced([at(9)], [at(3)], {}) == ()
    assert introduced([at(3), at(9)], [at(3)], {}) == (1,)


def test_an_edited_statement_in_its_place_is_old_and_another_is_new() -> None:
    assert introduced([at(3, "bad(x, 1)")], [at(3, "bad(x)")], {}) == ()
    assert introduced([at(3, "worse(other, thing)")], [at(3, "bad(x)")], {}) == (0,)


def test_another_secret_in_the_same_line_is_new() -> None:
    old = at(3, 'password = "****"\0mark-1')
    assert introduced([at(3, 'password = "****"\0mark-2')], [old], {}) == (0,)


def test_a_function_moved_to_another_file_takes_its_finding_along() -> None:
    assert introduced([at(3, path="b.py")], [at(3)], {}) == ()
    alone = Anchor("rule", "g", "bad(x)", ("quite", "different"), "b.py", 3)
    assert introduced([alone], [at(3)], {}) == (0,)


def test_a_renamed_file_keeps_its_findings() -> None:
    assert introduced([at(3, path="new.py")], [at(3, path="old.py")], {"new.py": "old.py"}) == ()


anchors = st.builds(
    Anchor,
    rule=st.sampled_from(["r", "s"]),
    scope=st.sampled_from(["", "f", "g"]),
    statement=st.text(alphabet="abc(", min_size=1, max_size=6),
    body=st.lists(st.sampled_from(["x", "y", "z"]), max_size=3).map(tuple),
    path=st.sampled_from(["a.py", "b.py"]),
    line=st.integers(1, 50),
)


@given(st.lists(anchors, max_size=8))
def test_nothing_is_new_in_what_did_not_change(some: list[Anchor]) -> None:
    assert introduced(some, some, {}) == ()


@given(st.lists(anchors, max_size=8), st.lists(anchors, max_size=8))
def test_one_old_finding_excuses_at_most_one(head: list[Anchor], base: list[Anchor]) -> None:
    new = introduced(head, base, {})
    assert len(new) >= len(head) - len(base)
    assert list(new) == sorted(set(new))


SOURCE = """\
class A:
    def f(self):
        if x:
            bad(1)

        bad(2)

def g():
    pass

bad(3)
"""


def test_the_scope_is_read_from_indentation() -> None:
    text = Text(SOURCE)
    assert [scope(text, line) for line in (4, 6, 9, 11)] == ["A.f", "A.f", "g", ""]
    assert scope(Text("[a.b]\nx = 1\ny = 2\n"), 3) == "a.b"
    assert scope(Text("func (s *Store) Get() {\n\tbad()\n}\n"), 2) == "Get"


def test_identity_holds_while_lines_shift_and_tells_twins_apart() -> None:
    finding = Finding("r", "", "", "", Severity.LOW, Confidence.LOW, Span("a.py", 4))
    shifted = Finding("r", "", "", "", Severity.LOW, Confidence.LOW, Span("a.py", 6))
    one = anchor(finding, Text(SOURCE))
    other = anchor(shifted, Text("\n\n" + SOURCE))
    assert identity(one, 0) == identity(other, 0)
    assert identity(one, 0) != identity(one, 1)
    assert len(identity(one, 0)) == 32
