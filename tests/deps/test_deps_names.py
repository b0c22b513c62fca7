"""Names that imitate popular ones, and those that only seem to."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.deps.names.popular import popular, popular_of
from headgate.deps.names.signals import Likeness, similar


@pytest.mark.parametrize(
    ("ecosystem", "name", "target", "likeness"),
    [
        ("pypi", "sklearn", "scikit-learn", Likeness.IMPORT),
        ("pypi", "cv2", "opencv-python", Likeness.IMPORT),
        ("pypi", "YAML", "pyyaml", Likeness.IMPORT),
        ("pypi", "pythondateutil", "python-dateutil", Likeness.SEPARATOR),
        ("pypi", "reqeusts", "requests", Likeness.TRANSPOSITION),
        ("pypi", "requestss", "requests", Likeness.DOUBLED),
        ("pypi", "rnarkupsafe", "markupsafe", Likeness.HOMOGLYPH),
        ("pypi", "requezts", "requests", Likeness.KEYBOARD),
        ("pypi", "requosts", "requests", Likeness.VOWEL),
        ("pypi", "requsts", "requests", Likeness.OMISSION),
        ("pypi", "requestx", "requests", Likeness.KEYBOARD),
        ("pypi", "requestsq", "requests", Likeness.INSERTION),
        ("pypi", "requestq", "requests", Likeness.EDIT),
        ("pypi", "setuptool", "setuptools", Likeness.PLURAL),
        ("pypi", "dateutil-python", "python-dateutil", Likeness.ORDER),
        ("pypi", "requests-official", "requests", Likeness.AFFIX),
        ("npm", "lodahs", "lodash", Likeness.TRANSPOSITION),
        ("npm", "types-node", "@types/node", Likeness.SEPARATOR),
    ],
)
def test_imitations(ecosystem: str, name: str, target: str, likeness: Likeness) -> None:
    found = similar(ecosystem, name)
    assert found is not None
    assert (found.target, found.likeness) == (target, likeness)
    assert target in found.words


@pytest.mark.parametrize(
    ("ecosystem", "name"),
    [
        ("pypi", "requests"),  # itself
        ("pypi", "sixx"),  # too short to tell
        ("pypi", "nvidia-cublas-cu11"),  # counts, beside -cu12
        ("npm", "@types/nodes"),  # only the owner of the scope can name anything in it
        ("cargo", "serd"),  # no list is shipped
    ],
)
def test_no_imitations(ecosystem: str, name: str) -> None:
    assert similar(ecosystem, name) is None


@given(st.sampled_from(["pypi", "npm", "maven"]), st.text(max_size=40))
def test_any_text_is_a_name(ecosystem: str, name: str) -> None:
    found = similar(ecosystem, name)
    assert found is None or found.target != name


def _squats(name: str, chance: random.Random) -> list[str]:
    """One of each common kind, at a random place."""
    letters = [i for i, c in enumerate(name) if c.isalnum()]
    at, letter = chance.choice(letters), chance.choice("abcdefghijklmnopqrstuvwxyz")
    swap = chance.randrange(len(name) - 1)
    return [
        name.replace("-", "") if "-" in name else f"{name[: at + 1]}-{name[at + 1 :]}",
        name[:swap] + name[swap + 1] + name[swap] + name[swap + 2 :],
        name[: at + 1] + name[at:],
        name[:at] + name[at + 1 :],
        name[:at] + letter + name[at:],
        name[:at] + letter + name[at + 1 :],
        name.removesuffix("s") if name.endswith("s") else f"{name}s",
    ]


@pytest.mark.parametrize("ecosystem", ["pypi", "npm"])
def test_most_squats_are_told_and_hardly_anything_else(ecosystem: str) -> None:
    chance = random.Random(5)
    names = list(popular(ecosystem).ranks)
    defended = [n for n in names[:1000] if not n.startswith("@") and len(n) > 2]
    squats = [s for n in chance.sample(defended, 60) for s in _squats(n, chance)]
    squats = [s for s in squats if s not in names and s.strip("-")]
    told = sum(similar(ecosystem, s) is not None for s in squats)
    assert told / len(squats) >= 0.72
    # As if the second half of the list were not known to be real.
    half = popular_of(names[:2500])
    others = chance.sample(names[2500:], 700)
    false = sum(similar(ecosystem, n, half) is not None for n in others)
    assert false / len(others) <= 0.012
