"""What a format lets through: `04d` takes numbers alone (PEP 3101)."""

from __future__ import annotations

from headgate.scan.late import late

_HELD = late(r"\{[^{}]*\}")
_NUMBER = late(r"(.?[<>=^])?[-+ ]?z?#?0?\d*[_,]?(\.\d+)?[bdoxXneEfFgG%]")


def asks_for_a_number(form: str) -> bool:
    """Whether a format such as `04d`, `.2f` or `0{width}d` refuses a text."""
    return _NUMBER.fullmatch(_HELD.sub("1", form)) is not None
