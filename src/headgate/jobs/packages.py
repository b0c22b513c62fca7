"""How this machine reaches package indexes: passed on to the set-ups of environments only."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headgate.jobs.dispatch.area import copy_plain
from headgate.jobs.sandbox.host import may_enter
from headgate.jobs.sandbox.interface import Mount, Owner

SYSTEM_CERTIFICATES = {"UV_NATIVE_TLS": "true", "UV_SYSTEM_CERTS": "true"}
"""uv believes only authorities that it brings along, unless it is told to believe the system's."""

_VARIABLES = frozenset(
    {
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_NO_INDEX",
        "PIP_TRUSTED_HOST",
        "PIP_CERT",
        "PIP_PROXY",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_RETRIES",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_FIND_LINKS",
        "UV_NO_INDEX",
        "UV_INDEX_STRATEGY",
        "UV_INSECURE_HOST",
        "UV_NATIVE_TLS",
        "UV_SYSTEM_CERTS",
        "UV_HTTP_TIMEOUT",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "NPM_CONFIG_REGISTRY",
        "NPM_CONFIG_CAFILE",
        "GOPROXY",
        "GONOSUMDB",
        "GOFLAGS",
    }
)

_HOME_FILES = (".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml", ".npmrc")
_ETC_FILES = ("pip.conf", "uv/uv.toml")

_LOCAL_PATH = re.compile(r"(?:(?<=file://)|(?<![\w/:.-]))/[\w./+@-]+")

_OWN_PLACES = ("/usr", "/proc", "/dev", "/sys", "/work", "/env", "/headgate", "/etc/ssl")


@dataclass(frozen=True, slots=True)
class PackageSettings:
    """Configuration of package tools, as found on the host."""

    variables: Mapping[str, str]
    home: Mapping[str, Path]
    """Files that belong below the home directory."""
    etc: Mapping[str, Path]
    """Files that belong below /etc."""
    places: tuple[Path, ...]
    """Directories and files of the host that the configuration names (local indexes)."""

    def mounts(self, owner: Owner) -> tuple[Mount, ...]:
        """What a set-up gets to see of the host; what `owner` cannot read is left out."""
        mounts = [Mount(source, f"/etc/{name}") for name, source in self.etc.items()]
        for place in self.places:
            reached = place if place.is_dir() else place.parent
            if may_enter(reached, owner):
                mounts.append(Mount(place, str(place)))
        return tuple(mounts)

    def fill_home(self, home: Path) -> None:
        """Copy the files of the home directory. OSError."""
        for name, source in self.home.items():
            copy_plain(source.resolve(), home / name)


def package_settings(
    environ: Mapping[str, str], home: Path, etc: Path = Path("/etc")
) -> PackageSettings:
    """Read the host's configuration: variables (in either case), files of `home` and of `etc`."""
    found = {name: value for name, value in environ.items() if name.upper() in _VARIABLES and value}
    variables = {**SYSTEM_CERTIFICATES, **found}
    in_home = {name: home / name for name in _HOME_FILES if (home / name).is_file()}
    in_etc = {name: etc / name for name in _ETC_FILES if (etc / name).is_file()}
    texts = list(variables.values())
    for path in (*in_home.values(), *in_etc.values()):
        texts.append(path.read_text(encoding="utf-8", errors="replace"))
    return PackageSettings(variables, in_home, in_etc, _local_places("\n".join(texts)))


def _local_places(text: str) -> tuple[Path, ...]:
    found: dict[Path, None] = {}
    for match in _LOCAL_PATH.finditer(text):
        path = Path(match.group().rstrip("."))
        if path == Path("/") or any(path.is_relative_to(own) for own in _OWN_PLACES):
            continue
        if path.exists():
            # The pages of a simple index point to files beside it.
            found[path.parent if path.name == "simple" else path] = None
    # A directory brings what is below it.
    return tuple(
        path
        for path in found
        if not any(other != path and path.is_relative_to(other) for other in found)
    )


def find_uv() -> Path | None:
    """The uv program: that of the installed package, else the one on PATH."""
    try:
        import uv

        return Path(uv.find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        return Path(found) if found else None


def tool_for(program: Path, tools: Path, owner: Owner) -> Path:
    """A path of `program` that `owner` can reach: itself, or a copy below `tools`. OSError."""
    if may_enter(program.resolve().parent, owner):
        return program.resolve()
    info = program.stat()
    copy = tools / f"{program.name}-{info.st_size}-{info.st_mtime_ns}"
    if not copy.exists():
        tools.mkdir(parents=True, exist_ok=True)
        tools.chmod(0o711)
        fresh = copy.with_name(f".{copy.name}")
        shutil.copyfile(program, fresh)
        fresh.chmod(0o755)
        fresh.replace(copy)
    return copy
