"""What the API asks of the house: one method per use-case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from headgate.authority.permissions import Permissions
from headgate.ledger.chain import Verification
from headgate.model.change import Change
from headgate.model.config import Policy
from headgate.model.principal import Principal
from headgate.server.auth.identity import Verifier
from headgate.server.auth.sessions import Random
from headgate.server.settings import Settings
from headgate.store.database import Database


class UseCases(Protocol):
    """Everything that can be done to a house; each method raises HeadgateError, and Denied when
    the actor may not do it."""

    @property
    def db(self) -> Database: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def tokens(self) -> Verifier: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def random(self) -> Random: ...

    def permissions(self) -> Permissions: ...

    def policy(self) -> Policy: ...

    def groups(self, principal: Principal) -> frozenset[str]: ...

    async def add_project(
        self, actor: Principal, name: str, source: str, default_branch: str
    ) -> object: ...

    async def add_human(self, actor: Principal, name: str, display: str, email: str) -> object: ...

    async def add_agent(
        self, actor: Principal, name: str, sponsor_name: str, display: str
    ) -> object: ...

    async def disable_principal(self, actor: Principal, name: str) -> object: ...

    async def issue_token(
        self, actor: Principal, principal_name: str, label: str, days: int | None
    ) -> str: ...

    async def revoke_token(self, actor: Principal, token_id: int) -> object: ...

    async def signin_link(self, actor: Principal, name: str) -> str: ...

    async def approve(
        self, actor: Principal, number: int, comment: str, head: str | None
    ) -> Change: ...

    async def enqueue(self, actor: Principal, number: int) -> object: ...

    async def hold(self, actor: Principal, number: int) -> object: ...

    async def satisfy(
        self, actor: Principal, number: int, address: str, comment: str
    ) -> object: ...

    async def abandon(self, actor: Principal, number: int, reason: str) -> object: ...

    async def recheck(self, actor: Principal, number: int) -> object: ...

    async def freeze(self, actor: Principal, queue: str, reason: str) -> object: ...

    async def thaw(self, actor: Principal, queue: str) -> object: ...

    async def approve_setup(self, actor: Principal, digest: str, note: str) -> object: ...

    async def import_policy(
        self, actor: Principal, files: Mapping[str, bytes], reason: str
    ) -> object: ...

    async def verify_audit(self, actor: Principal) -> Verification: ...
