"""The story without a network: two small projects that come with Headgate."""

from __future__ import annotations

from pathlib import Path

from headgate.demo.real import publish_example
from headgate.demo.script import Script, append, both, replace

_PROVIDER_CONFIG = """\
# How Headgate gates this project.
[jobs.tests]
run = ["python3", "-m", "unittest", "discover", "-s", "tests"]
env = { PYTHONPATH = "src", PYTHONDONTWRITEBYTECODE = "1" }
timeout = "1m"
"""

_CONSUMER_CONFIG = """\
# How Headgate gates this project.
[classes]
critical.sealing = ["src/letters/sealing.py"]

# Runs for changes to phrases too, on the future state of both.
[jobs.tests]
run = ["python3", "-m", "unittest", "discover", "-s", "tests"]
required-projects = ["phrases"]
env = { PYTHONPATH = "src:../phrases/src", PYTHONDONTWRITEBYTECODE = "1" }
timeout = "1m"
"""


def script() -> Script:
    """The script on the bundled projects; nothing is fetched and nothing installed."""

    def lay_out(provider: Path, consumer: Path) -> None:
        for root, files in ((provider, _PHRASES), (consumer, _LETTERS)):
            for path, text in files.items():
                append(path, text)(root)

    return Script(
        provider="phrases",
        consumer="letters",
        lay_out=lay_out,
        setups=(),
        approved=("phrases", "setuptools"),
        edits={
            "innocent": append("README.md", "\nQuestions are welcome.\n"),
            "independent-provider": append("tests/test_empty.py", _TEST_EMPTY),
            "independent-consumer": append("tests/test_closing.py", _TEST_CLOSING),
            "convention": append("tests/test_names.py", _TEST_NAMES),
            "unconventional": both(
                replace("src/letters/__init__.py", "\nFORMS = {", _SHOUT + "\nFORMS = {"),
                replace(
                    "src/letters/__init__.py",
                    '    "plain": plain,\n',
                    '    "plain": plain,\n    "very_loud": very_loud,\n',
                ),
                append("tests/test_loud.py", _TEST_LOUD),
            ),
            "bystander": append("README.md", "\nEvery release notes what it deprecates.\n"),
            "breaks-consumer": replace("src/phrases/__init__.py", "class Casing", "class _Casing"),
            "pair-provider": both(
                append("src/phrases/__init__.py", _ALL), append("tests/test_all.py", _TEST_ALL)
            ),
            "pair-consumer": both(
                replace(
                    "src/letters/__init__.py",
                    "from phrases import Casing, greet\n",
                    "from phrases import Casing, greet, greet_all\n",
                ),
                append("src/letters/__init__.py", _CIRCULAR),
                append("tests/test_circular.py", _TEST_CIRCULAR),
            ),
            "credential": append("scripts/publish.py", publish_example()),
            "injection": append("scripts/history.py", _HISTORY),
            "dependency": replace(
                "pyproject.toml",
                'dependencies = ["phrases"]',
                'dependencies = ["phrases", "letters-turbo-native>=1.4"]',
            ),
            "critical": replace("src/letters/sealing.py", "ROUNDS = 1000", "ROUNDS = 2000"),
            "critical-again": replace("src/letters/sealing.py", "ROUNDS = 2000", "ROUNDS = 1500"),
        },
    )


_PHRASES = {
    "headgate.toml": _PROVIDER_CONFIG,
    "README.md": "# phrases\n\nWords for every occasion.\n",
    "pyproject.toml": '[project]\nname = "phrases"\nversion = "1.0"\ndependencies = []\n',
    "src/phrases/__init__.py": '''\
"""Words for every occasion."""


class Casing:
    """How a phrase is set."""

    def __init__(self, upper: bool) -> None:
        self.upper = upper

    def __call__(self, text: str) -> str:
        return text.upper() if self.upper else text


def greet(name: str) -> str:
    return f"Hello, {name}!" if name else "Hello!"
''',
    "tests/test_greet.py": """\
import unittest

from phrases import greet


class Greet(unittest.TestCase):
    def test_by_name(self) -> None:
        self.assertEqual(greet("Ada"), "Hello, Ada!")
""",
}

_LETTERS = {
    "headgate.toml": _CONSUMER_CONFIG,
    "README.md": "# letters\n\nLetters made of phrases.\n",
    "pyproject.toml": '[project]\nname = "letters"\nversion = "1.0"\ndependencies = ["phrases"]\n',
    "src/letters/__init__.py": '''\
"""Letters made of phrases."""

from phrases import Casing, greet


def plain(name: str) -> str:
    return greet(name) + "\\n\\nYours"


def loud(name: str) -> str:
    return Casing(upper=True)(plain(name))


FORMS = {
    "plain": plain,
    "loud": loud,
}
''',
    "src/letters/sealing.py": '''\
"""Seal a letter, so that a change to it shows."""

import hashlib

ROUNDS = 1000


def seal(text: str, salt: bytes) -> str:
    return hashlib.pbkdf2_hmac("sha256", text.encode(), salt, ROUNDS).hex()
''',
    "tests/test_letters.py": """\
import unittest

from letters import FORMS
from letters.sealing import seal


class Letters(unittest.TestCase):
    def test_every_form_greets(self) -> None:
        for form in FORMS.values():
            self.assertIn("ada", form("Ada").lower())

    def test_a_seal_shows_a_change(self) -> None:
        self.assertNotEqual(seal("a", b"salt"), seal("b", b"salt"))
""",
}

_TEST_EMPTY = """\
import unittest

from phrases import greet


class Empty(unittest.TestCase):
    def test_without_a_name(self) -> None:
        self.assertEqual(greet(""), "Hello!")
"""

_TEST_CLOSING = """\
import unittest

from letters import plain


class Closing(unittest.TestCase):
    def test_it_ends_politely(self) -> None:
        self.assertTrue(plain("Ada").endswith("Yours"))
"""

_TEST_NAMES = """\
import unittest

from letters import FORMS


class Names(unittest.TestCase):
    def test_form_names_are_one_word(self) -> None:
        self.assertEqual([name for name in FORMS if "_" in name], [])
"""

_SHOUT = """
def very_loud(name: str) -> str:
    return loud(name) + "!!!"

"""

_TEST_LOUD = """\
import unittest

from letters import FORMS


class Loud(unittest.TestCase):
    def test_it_shouts(self) -> None:
        self.assertTrue(FORMS["very_loud"]("Ada").endswith("!!!"))
"""

_ALL = """

def greet_all(names: list[str]) -> list[str]:
    return [greet(name) for name in names]
"""

_TEST_ALL = """\
import unittest

from phrases import greet_all


class All(unittest.TestCase):
    def test_everyone_is_greeted(self) -> None:
        self.assertEqual(len(greet_all(["Ada", "Bob"])), 2)
"""

_CIRCULAR = """

def circular(names: list[str]) -> str:
    return "\\n".join(greet_all(names))
"""

_TEST_CIRCULAR = """\
import unittest

from letters import circular


class Circular(unittest.TestCase):
    def test_it_greets_everyone(self) -> None:
        self.assertIn("Bob", circular(["Ada", "Bob"]))
"""

_HISTORY = '''\
"""Show who changed a letter, and remember it."""

import sqlite3
import subprocess


def history(path: str) -> str:
    return subprocess.run(
        f"git log --oneline -- {path}", shell=True, capture_output=True, text=True
    ).stdout


def remember(connection: sqlite3.Connection, path: str, author: str) -> None:
    connection.execute(f"INSERT INTO seen VALUES ('{path}', '{author}')")
'''
