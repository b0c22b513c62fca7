"""Set a checkout up: system packages, uv, and the virtual environment of the project.

Runs on the python3 that the machine has, with the standard library alone: neither pip nor venv
need to be there, and the system's own Python is left as it is. Says what it installs before it
does.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import re
import shutil
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".setup"
PACKAGES = {
    "run": {"git": "git", "bwrap": "bubblewrap"},
    "test": {"git": "git", "bwrap": "bubblewrap", "chromium": "chromium"},
    "docs": {"git": "git"},
}
"""Program → the Debian package that brings it."""
IGNORED = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")
"""Variables of another project's environment."""
ALSO = {"chromium": ("chromium", "chromium-browser", "google-chrome")}
MANAGERS = {
    "apt-get": ("apt-get update -q", "apt-get install -y -q --no-install-recommends"),
    "dnf": ("", "dnf install -y"),
    "pacman": ("", "pacman -S --noconfirm"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--for", dest="purpose", choices=sorted(PACKAGES), default="run")
    purpose = parser.parse_args().purpose
    try:
        system_packages(purpose)
        uv = find_uv()
        environment(uv, purpose)
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("setup: stopped; run it again to go on.", file=sys.stderr)
        return 130
    return 0


class Problem(Exception):
    """Something that a person has to mend."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def present(program: str) -> bool:
    return any(shutil.which(name) for name in ALSO.get(program, (program,)))


def system_packages(purpose: str) -> None:
    missing = sorted({pkg for prog, pkg in PACKAGES[purpose].items() if not present(prog)})
    if (
        Path("/etc/debian_version").exists()
        and not Path("/etc/ssl/certs/ca-certificates.crt").exists()
    ):
        missing.append("ca-certificates")
    if not missing:
        return
    names = " ".join(missing)
    manager = next((m for m in MANAGERS if shutil.which(m)), "")
    if not manager:
        raise Problem(f"these programs are missing: {names}. Install them, then run this again.")
    ask = "" if os.geteuid() == 0 else elevate()
    update, install = MANAGERS[manager]
    if ask is None:
        raise Problem(
            f"these system packages are missing: {names}. This account may not install them (no "
            f"sudo): ask an administrator for `{install} {names}`, then run this again."
        )
    say(f"these system packages are missing and will be installed now: {names}")
    for command in filter(None, (update, f"{install} {names}")):
        line = [*ask.split(), *command.split()]
        say("$ " + " ".join(line))
        extra = {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(line, env={**os.environ, **extra}, stdout=subprocess.DEVNULL)
        if done.returncode:
            raise Problem(
                f"`{' '.join(line)}` failed ({done.returncode}). Install {names} by hand, then "
                "run this again."
            )


def elevate() -> str | None:
    """How to become root; None when this account cannot."""
    if not shutil.which("sudo"):
        return None
    quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True)
    if quiet.returncode == 0:
        return "sudo -n"
    return "sudo" if sys.stdin.isatty() else None


def find_uv() -> str:
    own = TOOLS / "uv"
    if own.exists():
        return str(own)
    found = shutil.which("uv")
    if found and uv_is_recent(found):
        return found
    name, url, digest = locked_wheel()
    say(f"uv is missing and will be put into {own.parent.name}/ (nothing else is touched): {name}")
    data = download(url)
    if hashlib.sha256(data).hexdigest() != digest:
        raise Problem(f"{name} does not have the digest that uv.lock names; nothing was installed.")
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        member = next(n for n in wheel.namelist() if n.endswith(".data/scripts/uv"))
        TOOLS.mkdir(exist_ok=True)
        part = own.with_suffix(f".{os.getpid()}")
        part.write_bytes(wheel.read(member))
    part.chmod(part.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    part.replace(own)
    return str(own)


def uv_is_recent(uv: str) -> bool:
    said = subprocess.run([uv, "--version"], capture_output=True, text=True).stdout
    match = re.match(r"uv (\d+)\.(\d+)", said)
    return bool(match) and (int(match[1]), int(match[2])) >= (0, 9)


def locked_wheel() -> tuple[str, str, str]:
    """File name, address and SHA-256 of the uv wheel for this machine, from uv.lock."""
    libc = "musllinux" if platform.libc_ver()[0] == "" else "manylinux"
    machine = platform.machine().lower()
    pattern = re.compile(
        r'url = "(?P<url>[^"]+/(?P<name>uv-[0-9.]+-py3-none-(?P<tag>[^"/]+)\.whl))", '
        r'hash = "sha256:(?P<digest>[0-9a-f]{64})"'
    )
    for match in pattern.finditer((ROOT / "uv.lock").read_text("utf-8")):
        if libc in match["tag"] and machine in match["tag"]:
            return match["name"], match["url"], match["digest"]
    raise Problem(
        f"uv has no wheel for {machine} ({libc}). Install uv by hand, then run this again."
    )


def download(url: str) -> bytes:
    cafile = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT") or None
    try:
        context = ssl.create_default_context(cafile=cafile)
        with urllib.request.urlopen(url, timeout=120, context=context) as answer:
            return bytes(answer.read())
    except (OSError, urllib.error.URLError) as error:
        raise Problem(
            f"{url} could not be fetched ({error}). Check the network, or install uv by hand, then "
            "run this again."
        ) from None


def environment(uv: str, purpose: str) -> None:
    groups: dict[str, list[str]] = {
        "run": [],
        "test": ["--group", "dev"],
        "docs": ["--group", "docs"],
    }
    command = [
        uv,
        "sync",
        "--frozen",
        "--inexact",
        "--compile-bytecode",
        "--no-default-groups",
        *groups[purpose],
    ]
    fresh = not (ROOT / ".venv").exists()
    if fresh:
        say("the Python packages that uv.lock names will be put into .venv/")
    kept = {k: v for k, v in os.environ.items() if k not in IGNORED}
    # A machine may have authorities of its own: believe what the system believes.
    env = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", **kept}
    done = subprocess.run([*command, "--quiet"], cwd=ROOT, env=env)
    if done.returncode:
        raise Problem(
            f"`{' '.join(command)}` failed ({done.returncode}): see above. Remove .venv if it is "
            "damaged, check the network, then run this again."
        )


if __name__ == "__main__":
    sys.exit(main())
