"""Principals, their tokens and their sign-in links."""

from __future__ import annotations

import hashlib
import re

from headgate.authority.permissions import Action, Resource
from headgate.authority.tokens import issue
from headgate.model.errors import BadInput, Conflict, NotFound
from headgate.model.event import NewEvent
from headgate.model.principal import GATE, OPERATOR, Principal, PrincipalKind
from headgate.server.auth.sessions import LINK_SECONDS
from headgate.server.cases.projects import check_name
from headgate.server.core import Core

_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\Z")
_DAY = 86400.0


class PrincipalCases(Core):
    """What people ask about who may act."""

    async def add_human(
        self, actor: Principal, name: str, display: str = "", email: str = ""
    ) -> Principal:
        """Record a person. Raises BadInput, or Conflict when name or address is taken."""
        self.require(actor, Action.ADMINISTER, Resource())
        return self._add(actor, name, PrincipalKind.HUMAN, display, email, None)

    async def add_agent(
        self, actor: Principal, name: str, sponsor_name: str, display: str = ""
    ) -> Principal:
        """Record an agent and the human who answers for it."""
        self.require(actor, Action.ADMINISTER, Resource())
        with self.db.read() as tx:
            sponsor = tx.principals.find(sponsor_name)
        if sponsor is None or not sponsor.is_human or sponsor.disabled:
            raise BadInput(
                f"{sponsor_name!r} is not a human known here, so cannot sponsor {name}.",
                f"Add the person first: headgate principal add-human {sponsor_name}.",
            )
        return self._add(actor, name, PrincipalKind.AGENT, display, "", sponsor)

    async def disable_principal(self, actor: Principal, name: str) -> None:
        """Take every right away; agents sponsored by a disabled human lose theirs too."""
        self.require(actor, Action.ADMINISTER, Resource())
        if name in (OPERATOR, GATE):
            raise BadInput(f"{name} is a part of Headgate and cannot be disabled.")
        with self.db.write() as tx:
            principal = tx.principals.by_name(name)
            also = [p for p in tx.principals.all() if p.sponsor == principal.id]
            for gone in (principal, *also):
                tx.principals.disable(gone.id)
                tx.sessions.end_all(gone.id)
                tx.events.append(
                    NewEvent("principal.disabled", actor.name, f"principal/{gone.name}", {})
                )
        self.tokens.forget()

    async def issue_token(
        self, actor: Principal, principal_name: str, label: str = "", days: int | None = None
    ) -> str:
        """A new token, shown this once; only its hash is kept."""
        if actor.name != principal_name or actor.kind is PrincipalKind.AGENT:
            self.require(actor, Action.ADMINISTER, Resource())
        if days is not None and days < 1:
            raise BadInput(f"A token cannot be valid for {days} days.", "Give 1 or more.")
        token = issue(self.random)
        expires = self.clock() + days * _DAY if days else None
        with self.db.write() as tx:
            principal = tx.principals.by_name(principal_name)
            if principal.disabled:
                raise Conflict(f"{principal_name} is disabled.")
            number = tx.tokens.add(
                principal.id, label or "token", token.lookup, token.hash, expires
            )
            tx.events.append(
                NewEvent(
                    "token.issued",
                    actor.name,
                    f"principal/{principal_name}",
                    {"token": number, "label": label, "days": days},
                )
            )
        return token.secret

    async def revoke_token(self, actor: Principal, token_id: int) -> None:
        """End a token at once, and its owner's sessions: any may have been opened with it."""
        with self.db.read() as tx:
            stored = next(
                (
                    (p, t)
                    for p in tx.principals.all()
                    for t in tx.tokens.of(p.id)
                    if t.id == token_id
                ),
                None,
            )
        if stored is None:
            raise NotFound(f"There is no token {token_id}.", "See `headgate token list NAME`.")
        owner, token = stored
        if actor.id != owner.id:
            self.require(actor, Action.ADMINISTER, Resource())
        with self.db.write() as tx:
            tx.tokens.revoke(token.id)
            tx.sessions.end_all(owner.id)
            tx.events.append(
                NewEvent(
                    "token.revoked", actor.name, f"principal/{owner.name}", {"token": token.id}
                )
            )
        self.tokens.forget()

    async def signin_link(self, actor: Principal, name: str) -> str:
        """A code that signs a human in once, within ten minutes."""
        self.require(actor, Action.ADMINISTER, Resource())
        code = self.random(24).hex()
        with self.db.write() as tx:
            principal = tx.principals.by_name(name)
            if not principal.is_human:
                raise BadInput(f"{name} is not a human; only humans sign in to pages.")
            digest = hashlib.sha256(code.encode()).hexdigest()
            tx.sessions.add(principal.id, "link", digest, "", self.clock() + LINK_SECONDS)
            tx.events.append(
                NewEvent(
                    "signin.link", actor.name, f"principal/{name}", {"seconds": int(LINK_SECONDS)}
                )
            )
        return code

    def _add(
        self,
        actor: Principal,
        name: str,
        kind: PrincipalKind,
        display: str,
        email: str,
        sponsor: Principal | None,
    ) -> Principal:
        check_name(name, "a principal")
        if email and not _EMAIL.match(email):
            raise BadInput(f"{email!r} is not an e-mail address.", "Give one like ada@example.org.")
        with self.db.write() as tx:
            if tx.principals.find(name) is not None:
                raise Conflict(f"There is a principal {name} already.", "Choose another name.")
            if email and any(p.email.lower() == email.lower() for p in tx.principals.all()):
                raise Conflict(
                    f"The address {email} belongs to another principal.", "One person, one address."
                )
            principal = tx.principals.add(
                name, kind, display or name, email, sponsor.id if sponsor else None
            )
            tx.events.append(
                NewEvent(
                    "principal.added",
                    actor.name,
                    f"principal/{name}",
                    {"kind": kind.value, "sponsor": sponsor.name if sponsor else None},
                )
            )
        return principal
