"""What a text has to hold before Kingfisher's rules are loaded for it: never less than they ask."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kingfisher_sdk import DetectionPolicy, Rules, ScanInput, Scanner

from headgate.model.finding import Outcome
from headgate.scan.analyzers import token_forms
from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.analyzers.secrets import Secrets

GITHUB = "gh" + "p_" + "Zx8Kq2Lm9Rt4Vw7Yb3Nc6Pd1Fg5Hj0Sa2Te4"
AROUND = st.text(st.sampled_from("ab \n\t'\"=:;,.-_/0é"), max_size=12)


@pytest.fixture(scope="module")
def details(rules: Path) -> list[Mapping[str, Any]]:
    loaded = Rules(cache_dir=rules)
    return [loaded.detail(str(one["id"])) for one in loaded.metadata()]


@pytest.fixture(scope="module")
def forms(details: list[Mapping[str, Any]]) -> token_forms.Forms:
    found = token_forms.derive(details)
    assert found is not None, "a rule is not understood: every scan has to load them all"
    return found


@pytest.fixture(scope="module")
def scanner(rules: Path) -> Scanner:
    policy = DetectionPolicy(inline_ignores=False, markup_context=False)
    return Scanner(Rules(cache_dir=rules), policy=policy)


def scanned(scanner: Scanner, text: str) -> bool:
    return bool(scanner.scan_input(ScanInput(path="file.py", data=text.encode())))


def a_match(items: Any, chance: random.Random) -> str:
    """A text that an expression of Python's parser matches, its anchors left to luck."""
    out = ""
    for op, value in items:
        name = str(op)
        if name == "LITERAL":
            out += chance.choice((chr(value).lower(), chr(value).upper(), chr(value)))
        elif name == "SUBPATTERN":
            out += a_match(value[3], chance)
        elif name == "BRANCH":
            out += a_match(chance.choice(value[1]), chance)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, inner = value
            count = chance.randint(least, min(least + 2, int(most)))
            out += "".join(a_match(inner, chance) for _ in range(count))
        elif name != "AT":
            one = re.compile(str(sre_class(op, value)), re.DOTALL)
            out += chance.choice([chr(at) for at in range(9, 127) if one.fullmatch(chr(at))])
    return out


def sre_class(op: Any, value: Any) -> str:
    """The text of a class of letters, from what Python's parser made of it."""
    if str(op) == "ANY":
        return "."
    if str(op) == "NOT_LITERAL":
        return f"[^{re.escape(chr(value))}]"
    parts: list[str] = []
    for kind, one in value:
        name = str(kind)
        if name == "NEGATE":
            parts.append("^")
        elif name == "LITERAL":
            parts.append(re.escape(chr(one)))
        elif name == "RANGE":
            parts.append(f"{re.escape(chr(one[0]))}-{re.escape(chr(one[1]))}")
        else:
            letter = {"WORD": "w", "DIGIT": "d", "SPACE": "s"}[str(one).rpartition("_")[2]]
            parts.append("\\" + (letter.upper() if "NOT" in str(one) else letter))
    return f"[{''.join(parts)}]"


def test_whatever_a_rule_matches_is_possible(details: list[Mapping[str, Any]]) -> None:
    parser: Any = import_module("re._parser")
    for rule in details:
        pattern = str(rule["pattern"]).replace("\\z", "\\Z").replace("[:alnum:]", "a-zA-Z0-9")
        spaced = re.VERBOSE if pattern.startswith("(?x)") else 0
        tree = parser.parse(re.sub(r"\(\?[imsx]+\)", "", pattern), spaced)
        wanted = tuple(("", *form[1:]) for form in token_forms.derive([rule]) or ())
        for seed in range(4):
            text = a_match(tree, random.Random(seed))
            assert token_forms.possible(wanted, "file.py", f"a {text} b"), (rule["id"], text)


@settings(max_examples=60)
@given(data=st.data())
def test_what_kingfisher_finds_is_possible(
    data: st.DataObject,
    details: list[Mapping[str, Any]],
    forms: token_forms.Forms,
    scanner: Scanner,
) -> None:
    examples = [text for rule in details for text in rule["examples"]]
    text = data.draw(st.sampled_from([GITHUB, *examples]))
    for _ in range(data.draw(st.integers(0, 2))):
        text = f"x = '{base64.b64encode(text.encode()).decode()}'"
    at = data.draw(st.integers(0, len(text)))
    text = data.draw(st.sampled_from([text, text[at:], text[:at], f"{text}\n{text[:at]}"]))
    text = data.draw(AROUND) + text + data.draw(AROUND)
    if scanned(scanner, text):
        assert token_forms.possible(forms, "file.py", text)


def test_an_encoded_token_is_possible_and_found(forms: token_forms.Forms, scanner: Scanner) -> None:
    text = f"data = '{base64.b64encode(f'token={GITHUB} '.encode()).decode()}'"
    assert scanned(scanner, text)
    assert token_forms.possible(forms, "file.py", text)


def test_letters_that_fold_to_those_of_a_rule_are_in_doubt(forms: token_forms.Forms) -> None:
    assert token_forms.possible(forms, "file.py", "# \u212a\n")


def test_ordinary_code_holds_nothing_of_the_kind(forms: token_forms.Forms) -> None:
    ours = Path(token_forms.__file__).parent.parent
    texts = [path.read_text("utf-8") for path in sorted(ours.glob("*.py"))]
    assert sum(token_forms.possible(forms, "file.py", text) for text in texts) < len(texts) / 10


def test_a_rule_that_is_not_understood_makes_everything_possible() -> None:
    odd = {"pattern": r"\p{Greek}+secret", "detection_regex": r"\p{Greek}+secret", "path": None}
    assert token_forms.derive([odd]) is None


@given(st.frozensets(st.integers(0, 127), min_size=1), st.booleans())
def test_a_class_has_its_letters_and_no_others(letters: frozenset[int], wide: bool) -> None:
    written = token_forms._class(letters, wide)  # pyright: ignore[reportPrivateUsage]
    found = {one for one in range(256) if re.fullmatch(written, bytes([one]))}
    assert found == letters | (set(range(128, 256)) if wide else set())


def test_the_rules_are_loaded_only_for_a_text_that_one_may_match(rules: Path) -> None:
    first = Secrets(b"key", rules)
    assert first.scan([SourceFile("a.py", f"t = '{GITHUB}'\n".encode())]).hits
    second = Secrets(b"key", rules)
    clean = second.scan([SourceFile("a.py", b"x = 1\n")])
    assert clean.outcome is Outcome.PASSED
    assert not second.loaded
    found = second.scan([SourceFile("a.py", f"t = '{GITHUB}'\n".encode())])
    assert second.loaded
    assert [hit.finding.rule for hit in found.hits] == [
        hit.finding.rule
        for hit in first.scan([SourceFile("b.py", f"t = '{GITHUB}'".encode())]).hits
    ]


def test_a_broken_file_of_forms_is_as_good_as_none(rules: Path, tmp_path: Path) -> None:
    for kept in rules.iterdir():
        (tmp_path / kept.name).write_bytes(b"nonsense" if "forms" in kept.name else b"")
    for kept in rules.glob("*.vscdb"):
        (tmp_path / kept.name).write_bytes(kept.read_bytes())
        (tmp_path / kept.name).chmod(0o600)
    tmp_path.chmod(0o700)
    secrets = Secrets(b"key", tmp_path)
    assert secrets.scan([SourceFile("a.py", b"x = 1\n")]).outcome is Outcome.PASSED
    assert secrets.loaded
