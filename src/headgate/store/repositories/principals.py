"""Principals, their tokens and sessions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import PrincipalId
from headgate.model.principal import Principal, PrincipalKind
from headgate.store.tables.people import principals, sessions, tokens
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token without its secret."""

    id: int
    principal: PrincipalId
    label: str
    hash: str
    created: float
    expires: float | None
    revoked: float | None


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A sign-in that holds, or a one-time link that has not been used."""

    principal: PrincipalId
    kind: str
    csrf: str
    created: float
    expires: float


class Principals:
    """Who can act."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self, name: str, kind: PrincipalKind, display: str, email: str, sponsor: PrincipalId | None
    ) -> Principal:
        done = self._c.execute(
            insert(principals).values(
                name=name,
                kind=kind.value,
                display=encode(display),
                email=encode(email),
                sponsor_id=sponsor,
                disabled=False,
                created=self._clock(),
            )
        )
        return Principal(PrincipalId(new_id(done)), name, kind, display, email, sponsor)

    def find(self, name: str) -> Principal | None:
        query = select(principals).where(principals.c.name == name)
        row = self._c.execute(query).mappings().first()
        return _principal(row) if row else None

    def by_name(self, name: str) -> Principal:
        """Raises NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"There is no principal {name!r}.", "See `headgate principal list`.")
        return found

    def get(self, id: PrincipalId) -> Principal:
        """Raises NotFound."""
        query = select(principals).where(principals.c.id == id)
        row = self._c.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no principal with the id {id}.")
        return _principal(row)

    def all(self) -> list[Principal]:
        """By name."""
        query = select(principals).order_by(principals.c.name)
        return [_principal(r) for r in self._c.execute(query).mappings()]

    def disable(self, id: PrincipalId) -> None:
        self._c.execute(update(principals).where(principals.c.id == id).values(disabled=True))


class Tokens:
    """What principals prove themselves with; only hashes are kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self, principal: PrincipalId, label: str, lookup: str, hash: str, expires: float | None
    ) -> int:
        done = self._c.execute(
            insert(tokens).values(
                principal_id=principal,
                label=encode(label),
                lookup=lookup,
                hash=hash,
                created=self._clock(),
                expires=expires,
            )
        )
        return new_id(done)

    def by_lookup(self, lookup: str) -> StoredToken | None:
        query = select(tokens).where(tokens.c.lookup == lookup)
        row = self._c.execute(query).mappings().first()
        return _token(row) if row else None

    def of(self, principal: PrincipalId) -> list[StoredToken]:
        """Oldest first."""
        query = select(tokens).where(tokens.c.principal_id == principal).order_by(tokens.c.id)
        return [_token(r) for r in self._c.execute(query).mappings()]

    def revoke(self, id: int) -> None:
        self._c.execute(
            update(tokens)
            .where(tokens.c.id == id, tokens.c.revoked.is_(None))
            .values(revoked=self._clock())
        )


class Sessions:
    """Sign-ins and one-time links; only digests of their secrets are kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self, principal: PrincipalId, kind: str, digest: str, csrf: str, expires: float
    ) -> None:
        self._c.execute(
            insert(sessions).values(
                principal_id=principal,
                kind=kind,
                digest=digest,
                csrf=csrf,
                created=self._clock(),
                expires=expires,
            )
        )

    def find(self, digest: str, kind: str) -> StoredSession | None:
        """Only what has neither ended nor expired."""
        query = select(sessions).where(
            sessions.c.digest == digest,
            sessions.c.kind == kind,
            sessions.c.ended.is_(None),
            sessions.c.expires > self._clock(),
        )
        r = self._c.execute(query).mappings().first()
        if r is None:
            return None
        return StoredSession(
            PrincipalId(r["principal_id"]), r["kind"], r["csrf"], r["created"], r["expires"]
        )

    def end(self, digest: str) -> None:
        self._c.execute(
            update(sessions)
            .where(sessions.c.digest == digest, sessions.c.ended.is_(None))
            .values(ended=self._clock())
        )

    def end_all(self, principal: PrincipalId) -> None:
        """End every sign-in of a principal, and every link that was not used yet."""
        self._c.execute(
            update(sessions)
            .where(sessions.c.principal_id == principal, sessions.c.ended.is_(None))
            .values(ended=self._clock())
        )


def _principal(r: RowMapping) -> Principal:
    return Principal(
        id=PrincipalId(r["id"]),
        name=r["name"],
        kind=PrincipalKind(r["kind"]),
        display=decode(r["display"]),
        email=decode(r["email"]),
        sponsor=None if r["sponsor_id"] is None else PrincipalId(r["sponsor_id"]),
        disabled=bool(r["disabled"]),
    )


def _token(r: RowMapping) -> StoredToken:
    return StoredToken(
        id=r["id"],
        principal=PrincipalId(r["principal_id"]),
        label=decode(r["label"]),
        hash=r["hash"],
        created=r["created"],
        expires=r["expires"],
        revoked=r["revoked"],
    )
