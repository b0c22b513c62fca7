"""The database: one file under SQLite, transactions, and who is told when one commits."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from enum import Enum
from pathlib import Path

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, pool
from sqlalchemy.exc import DatabaseError, OperationalError

from headgate.model.errors import CouldNotRun
from headgate.model.event import Event
from headgate.store.repositories.builds import Builds, Setups
from headgate.store.repositories.changes import Changes
from headgate.store.repositories.checks import Approvals, Checks, Verdicts
from headgate.store.repositories.events import Events, Seal
from headgate.store.repositories.findings import BranchScans, FindingActs, TrackedFindings
from headgate.store.repositories.flakes import Failures
from headgate.store.repositories.jobs import Holds, Secrets
from headgate.store.repositories.landings import Landings
from headgate.store.repositories.lanes import LaneMemory
from headgate.store.repositories.nodes import Nodes
from headgate.store.repositories.packages import PackageRequests, Packages
from headgate.store.repositories.pipelines import ParkedPushes, Pipelines, Tags
from headgate.store.repositories.principals import Principals, Sessions, Tokens
from headgate.store.repositories.projects import Projects
from headgate.store.repositories.queues import Items, Queues
from headgate.store.repositories.trials import Results, Trials
from headgate.store.schema import bring_up
from headgate.store.types import Clock

log = structlog.get_logger()

_LEAST_FREE = 64 * 1024
"""Bytes; SQLite's companion files need that much to begin with."""

Subscriber = Callable[[tuple[Event, ...]], None]


class Durability(Enum):
    """What a transaction that was committed survives."""

    POWER_CUT = "FULL"
    """That the machine loses its power."""
    NOTHING = "OFF"
    """Not even that: for what is thrown away at the end, such as a simulation."""


class Transaction:
    """Every repository, within one transaction."""

    def __init__(self, connection: Connection, clock: Clock, seal: Seal) -> None:
        self.projects = Projects(connection, clock)
        self.principals = Principals(connection, clock)
        self.tokens = Tokens(connection, clock)
        self.sessions = Sessions(connection, clock)
        self.changes = Changes(connection, clock)
        self.checks = Checks(connection, clock)
        self.tracked = TrackedFindings(connection, clock)
        self.acts = FindingActs(connection, clock)
        self.branch_scans = BranchScans(connection, clock)
        self.verdicts = Verdicts(connection, clock)
        self.approvals = Approvals(connection, clock)
        self.queues = Queues(connection, clock)
        self.items = Items(connection, clock)
        self.nodes = Nodes(connection, clock)
        self.builds = Builds(connection, clock)
        self.landings = Landings(connection, clock)
        self.trials = Trials(connection, clock)
        self.results = Results(connection, clock)
        self.lanes = LaneMemory(connection, clock)
        self.failures = Failures(connection, clock)
        self.setups = Setups(connection, clock)
        self.secrets = Secrets(connection, clock)
        self.holds = Holds(connection, clock)
        self.pipelines = Pipelines(connection, clock)
        self.tags = Tags(connection, clock)
        self.parked = ParkedPushes(connection, clock)
        self.packages = Packages(connection, clock)
        self.package_requests = PackageRequests(connection, clock)
        self.events = Events(connection, clock, seal)


class Database:
    """Where the truth is. May be used from several threads; one writes at a time."""

    def __init__(self, engine: Engine, path: Path, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._path = path
        self._seal = seal
        self._clock = clock
        self._writing = threading.Lock()
        self._writer: int | None = None
        self._subscribers: list[Subscriber] = []

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        seal: Seal,
        clock: Clock = time.time,
        durability: Durability = Durability.POWER_CUT,
    ) -> Database:
        """Open or make the database, and bring its schema up to this program's.

        Raises CouldNotRun when the file is damaged, is something else, or is of a newer program.
        """
        _make_private(path)
        engine = _engine(path, durability)
        try:
            with _readable(path):
                _inspect(engine, path)
                bring_up(engine, path)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, path, seal, clock)

    @contextlib.contextmanager
    def read(self) -> Generator[Transaction]:
        """A consistent view; nothing can be written through it."""
        with _readable(self._path), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.exec_driver_sql("BEGIN")
            try:
                yield Transaction(connection, self._clock, self._seal)
            finally:
                connection.rollback()

    @contextlib.contextmanager
    def write(self) -> Generator[Transaction]:
        """All or nothing; subscribers are told the events once it is safe on disk.

        Raises CouldNotRun when the disk is full or cannot be written; then nothing was.
        """
        with self._turn(), _readable(self._path), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            transaction = Transaction(connection, self._clock, self._seal)
            try:
                yield transaction
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        if transaction.events.appended:
            self._tell(tuple(transaction.events.appended))

    @contextlib.contextmanager
    def _turn(self) -> Generator[None]:
        me = threading.get_ident()
        if self._writer == me:
            # Waiting would be for ever: it is this thread that holds what it would wait for.
            raise RuntimeError("a write transaction was begun within another one")
        with self._writing:
            self._writer = me
            try:
                yield
            finally:
                self._writer = None

    def _tell(self, events: tuple[Event, ...]) -> None:
        # What is committed is so whatever a listener makes of it: its failure is not the writer's.
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(events)
            except Exception:
                log.exception("a listener failed", events=[e.id for e in events])

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Be told the events of every transaction after it; gives back how to stop that."""
        self._subscribers.append(callback)

        def stop() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return stop

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def _make_private(path: Path) -> None:
    # It holds digests of secrets; SQLite gives its companion files the mode of this one.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise CouldNotRun(
            f"The database {path} cannot be opened: {error.strerror}.",
            "Check that the server's account may write the data directory, and the disk.",
        ) from None


def _engine(path: Path, durability: Durability) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        poolclass=pool.QueuePool,
        pool_size=4,
        max_overflow=12,
        connect_args={"check_same_thread": False, "timeout": 30.0},
    )

    def configure(connection: sqlite3.Connection, _: object) -> None:
        # We begin transactions ourselves: the driver would begin them too late, and not IMMEDIATE.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={durability.value}",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "cache_size=-4000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", configure)
    return engine


def _inspect(engine: Engine, path: Path) -> None:
    """Look through every page, so that damage is found before anything is built on it."""
    with engine.connect() as connection:
        told = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if told != "ok":
        raise CouldNotRun(
            f"The database {path} is damaged: {' '.join(str(told).split())}.",
            "Put it aside and restore it from a copy; nothing was changed.",
        )


@contextlib.contextmanager
def _readable(path: Path) -> Generator[None]:
    """Say in words what SQLite says in codes."""
    try:
        yield
    except (OperationalError, DatabaseError) as error:
        raise _explained(error.orig, path) from error
    except sqlite3.DatabaseError as error:
        raise _explained(error, path) from error


def _free(path: Path) -> int:
    """Bytes that may still be written beside a file."""
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def _explained(error: BaseException | None, path: Path) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    where = f"The database {path}"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return CouldNotRun(
            f"{where} is damaged or no database of Headgate's: {error}.",
            "Put it aside and restore it from a copy; nothing was changed.",
        )
    # SQLite calls it an I/O error when there is no room for its companion files.
    full = code == sqlite3.SQLITE_IOERR and _free(path) < _LEAST_FREE
    if code == sqlite3.SQLITE_FULL or full:
        return CouldNotRun(
            f"{where} cannot be written: the disk is full. Nothing was changed.",
            "Free some space, then try again.",
        )
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return CouldNotRun(
            f"{where} cannot be used: {error}. Nothing was changed.",
            "Check the disk, and that the server's account may write the data directory.",
        )
    if code == sqlite3.SQLITE_BUSY:
        return CouldNotRun(f"{where} is held by another process.", "End that process.")
    return error if isinstance(error, Exception) else CouldNotRun(f"{where} failed: {error}.")
