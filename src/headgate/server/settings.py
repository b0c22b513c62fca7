"""Where the server keeps its data and how it listens: `server.toml`, then the command line."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from headgate.model.errors import BadInput

DEFAULT_PORT = 8417
SETTINGS_FILE = "server.toml"

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def default_data() -> Path:
    """`$HEADGATE_DATA`, else `~/.local/share/headgate`."""
    given = os.environ.get("HEADGATE_DATA")
    return Path(given).expanduser() if given else Path.home() / ".local/share/headgate"


@dataclass(frozen=True, slots=True)
class Runner:
    """The machine that runs jobs."""

    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How one server runs. Every field but `data` may stand in `server.toml`."""

    data: Path
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = DEFAULT_PORT
    """Port to listen on; 0: any free one."""
    public_url: str = ""
    """The address that people and footers use; by default host and port."""
    slots: int = 0
    """Jobs at once; 0: one per processor."""
    runner: Runner = Runner()
    """The table `[runner]`: `labels` says what this machine is, for jobs that want a label."""
    allow_network: bool = False
    """Listen on an address other than loopback."""
    require_sandbox: str = "standard"
    """The least sandbox in which untrusted jobs run."""
    largest_file: int = 50_000_000
    """Bytes; a push that adds a larger file is refused."""
    largest_push: int = 1_000_000_000
    """Bytes of one pack."""
    verdict_patience: float = 25.0
    """Seconds that a push waits for its verdict before it is sent to the page."""
    check_timeout: float = 120.0
    """Seconds that the checks of one change may take."""

    @property
    def url(self) -> str:
        """Base address of the pages, without a slash at its end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def job_slots(self) -> int:
        return self.slots or os.cpu_count() or 1

    @property
    def database(self) -> Path:
        return self.data / "headgate.db"

    @property
    def advisories(self) -> Path:
        """Where `headgate deps sync` keeps what is known about packages."""
        return self.data / "advisories.db"

    @property
    def repositories(self) -> Path:
        return self.data / "repositories"

    @property
    def secrets_key(self) -> Path:
        return self.data / "secrets.key"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def artifacts(self) -> Path:
        return self.data / "artifacts"

    @property
    def run(self) -> Path:
        return self.data / "run"


def load_settings(data: Path, **overrides: Any) -> Settings:
    """Read `server.toml` of the data directory; overrides that are None do not count.

    Raises BadInput for a broken file, an unknown key, a wrong type, or an address that is not
    loopback without `allow_network`.
    """
    settings = Settings(data=data.absolute())
    file = data / SETTINGS_FILE
    if file.is_file():
        settings = _from_file(settings, file)
    given = {key: value for key, value in overrides.items() if value is not None}
    settings = replace(settings, **given)
    if settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.allow_network:
        raise BadInput(
            f"Headgate listens on loopback only, and {settings.host} is not a loopback address.",
            "Put a TLS proxy in front, or say --allow-network if the network is trusted.",
        )
    if not 0 <= settings.port <= 65535:
        raise BadInput(f"{settings.port} is not a port.", "Give one from 1 to 65535.")
    if settings.slots < 0:
        raise BadInput(f"{settings.slots} is not a number of slots.", "Give 1 or more.")
    return settings


def _from_file(settings: Settings, file: Path) -> Settings:
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} is not valid TOML: {error}.", "Mend it and start again.") from None
    known = {f.name.replace("_", "-"): f.name for f in fields(Settings) if f.name != "data"}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "Known: " + ", ".join(known) + "."
            raise BadInput(f"{file}: the key {key!r} is not known.", hint)
        if key == "runner":
            values[key] = _runner(value, file)
            continue
        wanted = cast("type[object]", type(getattr(settings, known[key])))
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise BadInput(f"{file}: {key} must be a {wanted.__name__}, not {value!r}.")
        values[known[key]] = value
    return replace(settings, **values)


def _runner(value: object, file: Path) -> Runner:
    table = cast("dict[str, object]", value) if isinstance(value, dict) else {"": value}
    if strange := sorted(table.keys() - {"labels"}):
        raise BadInput(
            f"{file}: the key {f'runner.{strange[0]}'.rstrip('.')!r} is not known.",
            'Write [runner] and labels = ["big"].',
        )
    labels = table.get("labels", [])
    items = cast("list[object]", labels) if isinstance(labels, list) else [None]
    if not all(isinstance(item, str) and _LABEL.fullmatch(item) for item in items):
        raise BadInput(
            f"{file}: runner.labels must be a list of names, not {labels!r}.",
            "Use letters, digits, `.`, `_` and `-`.",
        )
    return Runner(tuple(cast("list[str]", items)))
