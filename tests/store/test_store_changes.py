"""Changes: how they are named, revised, found, and which state may follow which."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store_world import HEAD, World, a_commit, happened

from headgate.ledger.chain import seal, verify
from headgate.model.change import OPEN_STATES, TRANSITIONS, ChangeState, Entry
from headgate.model.errors import NotFound
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.origin import Evidence, Grade, Origin, OriginKind
from headgate.store.database import Database
from warm import lay_database


def test_a_change_is_pushed_twice_and_keeps_its_number(world: World) -> None:
    number = world.change().number
    with world.db.write() as tx:
        first = world.revise(tx, number)
        second = world.revise(tx, number, head=Commit("c" * 40))
    with world.db.read() as tx:
        assert tx.changes.get(number).revision == 2
        assert [r.number for r in tx.changes.revisions(number)] == [1, 2]
        assert tx.changes.current_revision(number) == second
        assert tx.changes.revision(first.id) == first
        assert first.options == ("topic=mend",)
        assert [c.commit for c in tx.changes.commits(first.id)] == [a_commit()]


def test_a_topic_finds_its_open_change_and_no_other(world: World) -> None:
    change = world.change("mend")
    other = world.change("mend", branch="stable")
    with world.db.read() as tx:
        find = tx.changes.open_topic
        assert find(world.project.id, "main", world.ada.id, "mend") == change
        assert find(world.project.id, "stable", world.ada.id, "mend") == other
        assert find(world.project.id, "main", world.crane.id, "mend") is None
        assert find(world.project.id, "main", world.ada.id, "else") is None
    with world.db.write() as tx:
        tx.changes.set_state(change.number, ChangeState.ABANDONED, "changed my mind")
    with world.db.read() as tx:
        assert tx.changes.open_topic(world.project.id, "main", world.ada.id, "mend") is None


def test_dependents_are_those_whose_current_revision_depends(world: World) -> None:
    base = world.proposed("base").number
    with world.db.write() as tx:
        on = tx.changes.add(world.project.id, "main", "on", world.ada.id, "On it", Entry.HELD)
        world.revise(tx, on.number, on=[base])
    with world.db.read() as tx:
        assert [c.number for c in tx.changes.dependents(base)] == [on.number]
        (footer,) = tx.changes.current_revision(on.number).depends_on
        assert (footer.text, footer.change) == (f"Depends-On: #{base}", base)
    with world.db.write() as tx:
        world.revise(tx, on.number)
    with world.db.read() as tx:
        assert tx.changes.dependents(base) == []


def test_changes_that_ended_are_nobodys_dependents(world: World) -> None:
    base, on = world.proposed("base").number, world.proposed("on").number
    with world.db.write() as tx:
        world.revise(tx, on, on=[base])
        tx.changes.set_state(on, ChangeState.ABANDONED, "")
    with world.db.read() as tx:
        assert tx.changes.dependents(base) == []


def test_a_list_is_newest_first_filtered_and_paged(world: World) -> None:
    numbers = [world.change(f"t{n}", f"Title {n} 100%").number for n in range(5)]
    with world.db.write() as tx:
        tx.changes.set_state(numbers[0], ChangeState.DENIED, "a secret in src/app.py:3")
        tx.changes.set_entry(numbers[1], Entry.HELD)
        tx.changes.set_title(numbers[1], "Another_title")
    with world.db.read() as tx:
        listed = [c.number for c in tx.changes.select()]
        assert listed == numbers[::-1]
        assert [c.number for c in tx.changes.select(limit=2)] == listed[:2]
        assert [c.number for c in tx.changes.select(before=listed[1], limit=2)] == listed[2:4]
        assert [c.number for c in tx.changes.select(states={ChangeState.DENIED})] == numbers[:1]
        assert tx.changes.select(states=()) == []
        assert len(tx.changes.select(states=OPEN_STATES)) == 5
        assert tx.changes.select(owner=world.crane.id) == []
        assert tx.changes.select(branch="stable") == []
        assert len(tx.changes.select(project=world.project.id, owner=world.ada.id)) == 5
        assert [c.number for c in tx.changes.select(text="another_")] == [numbers[1]]
        assert len(tx.changes.select(text="100%")) == 4
        assert tx.changes.get(numbers[1]).entry is Entry.HELD


def test_what_does_not_exist_is_said_by_number(world: World) -> None:
    with world.db.read() as tx:
        assert tx.changes.find(ChangeNumber(77)) is None
        with pytest.raises(NotFound, match="77"):
            tx.changes.get(ChangeNumber(77))
        with pytest.raises(NotFound):
            tx.changes.current_revision(ChangeNumber(77))


def test_origins_come_back_with_all_their_evidence(world: World) -> None:
    origin = Origin(
        OriginKind.AI,
        Grade.A,
        tool="a tool",
        prompter="ada",
        evidence=(Evidence("principal/agent", "who pushed", OriginKind.AI, Grade.A),),
    )
    number = world.change().number
    with world.db.write() as tx:
        revision = world.revise(tx, number, origin=origin)
    with world.db.read() as tx:
        (commit,) = tx.changes.commits(revision.id)
    assert commit.origin == origin


anything = st.text(st.characters(codec="utf-8") | st.sampled_from("\\%_\n\0\udcff\udc80'\""))


@settings(max_examples=60, deadline=None)
@given(text=anything)
def test_any_text_that_git_can_hold_comes_back_as_it_was(text: str) -> None:
    with TemporaryDirectory() as directory:
        db = Database.open(lay_database(Path(directory) / "db"), seal=seal)
        world = World(db)
        with db.write() as tx:
            change = tx.changes.add(
                world.project.id, text, text, world.ada.id, text, Entry.AUTOMATIC
            )
            revision = world.revise(tx, change.number, message=text)
            tx.changes.set_state(change.number, ChangeState.DENIED, text)
        with db.read() as tx:
            found = tx.changes.get(change.number)
            assert (found.branch, found.topic, found.title, found.reason) == (text,) * 4
            assert tx.changes.revision(revision.id).message == text
            assert tx.changes.commits(revision.id)[0].commit.message == text
        db.close()


class ChangeMachine(RuleBasedStateMachine):
    """Any steps are tried: the table decides, and nothing is half done when one is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.db = Database.open(lay_database(Path(self.directory.name) / "db"), seal=seal)
        self.number = World(self.db).proposed().number
        self.state = ChangeState.CHECKING
        self.steps = 0

    @rule(state=st.sampled_from(ChangeState), reason=st.text(max_size=5))
    def step(self, state: ChangeState, reason: str) -> None:
        allowed = state in TRANSITIONS[self.state]
        if state is self.state and not allowed:
            return  # staying is harmless either way; the table alone says whether it is a step
        try:
            with self.db.write() as tx:
                tx.events.append(happened("change.state", f"change/{self.number}"))
                tx.changes.set_state(self.number, state, reason)
        except ValueError:
            assert not allowed
        else:
            assert allowed
            self.state = state
            self.steps += 1

    @precondition(lambda self: self.state is not ChangeState.LANDED)
    @rule()
    def crash(self) -> None:
        """The server ends and begins again."""
        self.db.close()
        self.db = Database.open(Path(self.directory.name) / "db", seal=seal)

    @invariant()
    def what_is_stored_is_what_was_allowed(self) -> None:
        with self.db.read() as tx:
            assert tx.changes.get(self.number).state is self.state
            found = verify(tx.events.iterate())
        assert (found.entries, found.problem) == (self.steps, "")

    def teardown(self) -> None:
        self.db.close()
        self.directory.cleanup()


ChangeMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
test_only_the_steps_of_the_table_are_taken = ChangeMachine.TestCase


def test_a_landed_change_keeps_its_commit(world: World) -> None:
    number = world.proposed().number
    with world.db.write() as tx:
        tx.changes.set_state(number, ChangeState.QUEUED, "")
        tx.changes.set_landed(number, HEAD)
        tx.changes.set_state(number, ChangeState.LANDED, "")
    with world.db.read() as tx:
        assert tx.changes.get(number).landed_commit == HEAD
    with pytest.raises(ValueError, match="landed"), world.db.write() as tx:
        tx.changes.set_state(number, ChangeState.CHECKING, "")
