"""The story on real code: the current source distributions of MarkupSafe and Jinja."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from headgate.demo.script import Script, append, both, replace

SETUP = (
    "uv venv --quiet $HEADGATE_ENV\n"
    "uv pip install --quiet --python $HEADGATE_ENV/bin/python pytest trio\n"
)

_PROVIDER_CONFIG = f"""\
# How Headgate gates this project.
[environments.py]
setup = '''
{SETUP}'''

[jobs.tests]
run = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
environment = "py"
env = {{ PYTHONPATH = "src", PYTHONDONTWRITEBYTECODE = "1" }}
timeout = "2m"
"""

_CONSUMER_CONFIG = f"""\
# How Headgate gates this project.
[classes]
critical.sandbox = ["src/jinja2/sandbox.py"]

[environments.py]
setup = '''
{SETUP}'''

# Runs for changes to MarkupSafe too, on the future state of both.
[jobs.tests]
run = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
environment = "py"
required-projects = ["markupsafe"]
env = {{ PYTHONPATH = "src:../markupsafe/src", PYTHONDONTWRITEBYTECODE = "1" }}
timeout = "3m"
"""


class NoNetwork(Exception):
    """The source distributions could not be fetched."""


def fetch(directory: Path) -> None:
    """Fetch the newest source distributions of both packages with pip.

    Raises NoNetwork with what pip said last.
    """
    import uv

    command = [
        *(uv.find_uv_bin(), "tool", "run", "--quiet", "pip", "download", "--quiet"),
        *("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--dest", str(directory)),
        *("markupsafe", "jinja2"),
    ]
    # pip reads a distribution's metadata by its build backend: give pip the two that these use.
    command[3:3] = ["--with", "setuptools", "--with", "flit-core"]
    # A machine may have authorities of its own: believe what the system believes.
    certificates = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_RETRIES": "1"}
    env = {**certificates, **os.environ, **quiet}
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoNetwork("pip took longer than two minutes") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NoNetwork(lines[-1].strip() if lines else f"pip ended with {done.returncode}")


def script(archives: Path) -> Script:
    """The script for the archives that `fetch` put into a directory."""

    def lay_out(provider: Path, consumer: Path) -> None:
        _unpack(archives, "markupsafe-*.tar.gz", provider)
        _unpack(archives, "jinja2-*.tar.gz", consumer)
        (provider / "headgate.toml").write_text(_PROVIDER_CONFIG, "utf-8")
        (consumer / "headgate.toml").write_text(_CONSUMER_CONFIG, "utf-8")

    return Script(
        provider="markupsafe",
        consumer="jinja",
        lay_out=lay_out,
        setups=(SETUP,),
        approved=(
            *("markupsafe", "babel", "pytest", "trio", "setuptools", "flit-core"),
            *("sphinx", "mypy", "ruff", "tox", "tox-uv", "pyright", "pre-commit"),
        ),
        edits={
            "innocent": append(
                "README.md", "\n## Asking questions\n\nQuestions are welcome in the chat.\n"
            ),
            "independent-provider": append("tests/test_escape_quotes.py", _TEST_QUOTES),
            "independent-consumer": append("tests/test_join_markup.py", _TEST_JOIN),
            "convention": append("tests/test_filter_names.py", _TEST_NAMES),
            "unconventional": both(
                replace("src/jinja2/filters.py", "\nFILTERS = {", _FILTER + "\nFILTERS = {"),
                replace(
                    "src/jinja2/filters.py",
                    '    "tojson": do_tojson,\n',
                    '    "tojson": do_tojson,\n    "squeeze_blanks": do_squeeze_blanks,\n',
                ),
                append("tests/test_squeeze.py", _TEST_SQUEEZE),
            ),
            "bystander": append(
                "README.md", "\n## Versions\n\nEvery release notes what it deprecates.\n"
            ),
            "breaks-consumer": replace(
                "src/markupsafe/__init__.py", "EscapeFormatter", "_MarkupFormatter"
            ),
            "pair-provider": both(
                replace(
                    "src/markupsafe/__init__.py",
                    "\ndef soft_str(",
                    _ESCAPE_ALL + "\ndef soft_str(",
                ),
                append("tests/test_escape_all.py", _TEST_ESCAPE_ALL),
            ),
            "pair-consumer": both(
                replace(
                    "src/jinja2/filters.py",
                    "from markupsafe import escape\n",
                    "from markupsafe import escape\nfrom markupsafe import escape_all\n",
                ),
                replace("src/jinja2/filters.py", "\nFILTERS = {", _LISTING + "\nFILTERS = {"),
                replace(
                    "src/jinja2/filters.py",
                    '    "tojson": do_tojson,\n',
                    '    "tojson": do_tojson,\n    "listing": do_listing,\n',
                ),
                append("tests/test_listing.py", _TEST_LISTING),
            ),
            "credential": append("scripts/publish.py", publish_example()),
            "injection": append("scripts/history.py", _HISTORY),
            "dependency": replace(
                "pyproject.toml",
                'dependencies = ["MarkupSafe>=2.0"]',
                'dependencies = ["MarkupSafe>=2.0", "jinja-turbo-escape-native>=1.4"]',
            ),
            "critical": replace(
                "src/jinja2/sandbox.py", "MAX_RANGE = 100000", "MAX_RANGE = 200000"
            ),
            "critical-again": replace(
                "src/jinja2/sandbox.py", "MAX_RANGE = 200000", "MAX_RANGE = 150000"
            ),
        },
    )


def _unpack(archives: Path, pattern: str, into: Path) -> None:
    archive = next(archives.glob(pattern))
    with tempfile.TemporaryDirectory(dir=archives) as scratch:
        _extract(archive, Path(scratch))
        (top,) = Path(scratch).iterdir()
        shutil.copytree(top, into, dirs_exist_ok=True, symlinks=True)


def _extract(archive: Path, into: Path) -> None:
    """The plain files of an archive: tarfile has no filters before Python 3.11.4 (Debian 12)."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or path.is_absolute() or ".." in path.parts:
                continue
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
            target.chmod(0o755 if member.mode & 0o111 else 0o644)


def publish_example() -> str:
    """A script with a credential in it, put together here so that no scanner finds it in ours."""
    key = "AKIA" + "Z7QW" + "3MNB4VXKTRLP"
    secret = "q8Zr" + "T1vKx0" + "Lw9YbN2mHc5" + "JdF7sGpU3eA6iRoX4t"
    return (
        '"""Upload the built documentation."""\n\n'
        f'AWS_ACCESS_KEY_ID = "{key}"\n'
        f'AWS_SECRET_ACCESS_KEY = "{secret}"\n\n\n'
        "def bucket() -> str:\n"
        '    return "docs"\n'
    )


_TEST_QUOTES = """\
import pytest

from markupsafe import escape


@pytest.mark.parametrize(("text", "safe"), [('"', "&#34;"), ("'", "&#39;"), ("a & b", "a &amp; b")])
def test_quotes_and_ampersands_are_escaped(text: str, safe: str) -> None:
    assert escape(text) == safe
"""

_TEST_JOIN = """\
from markupsafe import Markup


def test_join_escapes_what_is_not_markup(env):
    env.autoescape = True
    rendered = env.from_string("{{ parts|join(', ') }}").render(parts=["<b>", Markup("<i>")])
    assert rendered == "&lt;b&gt;, <i>"
"""

_TEST_NAMES = """\
from jinja2.filters import FILTERS


def test_filter_names_are_one_word():
    assert [name for name in FILTERS if "_" in name] == []
"""

_FILTER = '''
def do_squeeze_blanks(value: str) -> str:
    """Replace every run of blanks by a single one."""
    return re.sub(r"[ \\t]+", " ", soft_str(value))

'''

_TEST_SQUEEZE = """\
def test_runs_of_blanks_become_one(env):
    assert env.from_string("{{ 'a   b'|squeeze_blanks }}").render() == "a b"
"""

_ESCAPE_ALL = '''
def escape_all(values: cabc.Iterable[t.Any], /) -> list[Markup]:
    """Escape each value; see :func:`escape`."""
    return [escape(value) for value in values]

'''

_TEST_ESCAPE_ALL = """\
from markupsafe import escape_all
from markupsafe import Markup


def test_each_value_is_escaped_once() -> None:
    assert escape_all(["<", Markup("<")]) == ["&lt;", "<"]
"""

_LISTING = '''
def do_listing(values: "t.Iterable[t.Any]") -> Markup:
    """Render values as the items of an HTML list."""
    return Markup("").join(Markup(f"<li>{value}</li>") for value in escape_all(values))

'''

_TEST_LISTING = """\
def test_a_listing_escapes_its_items(env):
    rendered = env.from_string("{{ ['<', 'b']|listing }}").render()
    assert rendered == "<li>&lt;</li><li>b</li>"
"""

_HISTORY = '''\
"""Show who changed a template, and remember it."""

import sqlite3
import subprocess


def history(path: str) -> str:
    return subprocess.run(
        f"git log --oneline -- {path}", shell=True, capture_output=True, text=True
    ).stdout


def remember(connection: sqlite3.Connection, path: str, author: str) -> None:
    connection.execute(f"INSERT INTO seen VALUES ('{path}', '{author}')")
'''
