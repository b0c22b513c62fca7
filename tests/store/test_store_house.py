"""Projects, principals, tokens, sign-ins and approved set-ups."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_world import World

from headgate.ledger.chain import seal
from headgate.model.errors import NotFound
from headgate.model.ids import PrincipalId, ProjectId
from headgate.model.principal import PrincipalKind
from headgate.store.database import Database


def test_projects_are_found_by_name_and_id(world: World) -> None:
    with world.db.write() as tx:
        other = tx.projects.add("a-first", "trunk", "https://example.org/a.git")
    with world.db.read() as tx:
        assert tx.projects.by_name("jinja") == world.project
        assert tx.projects.get(other.id) == other
        assert tx.projects.find("nothing") is None
        assert [p.name for p in tx.projects.all()] == ["a-first", "jinja"]
        with pytest.raises(NotFound, match="nothing"):
            tx.projects.by_name("nothing")
        with pytest.raises(NotFound):
            tx.projects.get(ProjectId(99))


def test_an_agent_is_bound_to_its_sponsor(world: World) -> None:
    with world.db.read() as tx:
        crane = tx.principals.by_name("crane")
        assert (crane.kind, crane.sponsor) == (PrincipalKind.AGENT, world.ada.id)
        assert tx.principals.get(world.ada.id) == world.ada
        assert tx.principals.find("eve") is None
        with pytest.raises(NotFound, match="eve"):
            tx.principals.by_name("eve")
        with pytest.raises(NotFound):
            tx.principals.get(PrincipalId(99))


def test_a_disabled_principal_stays_known(world: World) -> None:
    with world.db.write() as tx:
        tx.principals.disable(world.crane.id)
    with world.db.read() as tx:
        assert tx.principals.by_name("crane").disabled
        assert [p.name for p in tx.principals.all()] == ["ada", "crane"]


def test_a_name_that_is_not_unicode_is_kept(world: World) -> None:
    with world.db.write() as tx:
        tx.principals.add("odd", PrincipalKind.HUMAN, "\udcff\\x", "\udcfe@example.org", None)
        tx.tokens.add(world.ada.id, "\udcff label", "l", "h", None)
        tx.setups.approve("sha256:odd", world.ada.id, "\udcff note")
    with world.db.read() as tx:
        odd = tx.principals.by_name("odd")
        assert (odd.display, odd.email) == ("\udcff\\x", "\udcfe@example.org")
        assert tx.tokens.of(world.ada.id)[0].label == "\udcff label"
        assert tx.setups.all()[0].note == "\udcff note"


def test_a_token_is_found_by_its_lookup_until_forgotten(world: World) -> None:
    with world.db.write() as tx:
        id = tx.tokens.add(world.crane.id, "laptop", "abc", "argon", 2e9)
        tx.tokens.add(world.crane.id, "ci", "def", "argon", None)
    with world.db.read() as tx:
        token = tx.tokens.by_lookup("abc")
        assert token is not None
        assert (token.id, token.principal, token.hash) == (id, world.crane.id, "argon")
        assert (token.expires, token.revoked) == (2e9, None)
        assert tx.tokens.by_lookup("xyz") is None
        assert [t.label for t in tx.tokens.of(world.crane.id)] == ["laptop", "ci"]
        assert tx.tokens.of(world.ada.id) == []
    with world.db.write() as tx:
        tx.tokens.revoke(id)
    with world.db.read() as tx:
        token = tx.tokens.by_lookup("abc")
        assert token is not None
        assert token.revoked is not None


def test_a_sign_in_holds_until_it_ends_or_expires(tmp_path: Path) -> None:
    now = 1000.0
    db = Database.open(tmp_path / "db", seal=seal, clock=lambda: now)
    ada = World(db).ada
    with db.write() as tx:
        tx.sessions.add(ada.id, "session", "d1", "csrf", 2000.0)
        tx.sessions.add(ada.id, "link", "d2", "", 1600.0)
    with db.read() as tx:
        found = tx.sessions.find("d1", "session")
        assert found is not None
        assert (found.principal, found.csrf, found.expires) == (ada.id, "csrf", 2000.0)
        assert tx.sessions.find("d1", "link") is None
        assert tx.sessions.find("d2", "link") is not None
    now = 1600.0
    with db.write() as tx:
        assert tx.sessions.find("d2", "link") is None
        tx.sessions.end("d1")
        assert tx.sessions.find("d1", "session") is None
    db.close()


def test_a_set_up_is_approved_by_its_digest(world: World) -> None:
    with world.db.write() as tx:
        assert not tx.setups.approved("sha256:1")
        tx.setups.approve("sha256:1", world.ada.id, "read it")
    with world.db.read() as tx:
        assert tx.setups.approved("sha256:1")
        (setup,) = tx.setups.all()
        assert (setup.digest, setup.note) == ("sha256:1", "read it")
