"""Numbers and digests in addresses and headers: what can be counted, and nothing larger."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

from headgate.model.errors import BadInput

DIGITS = 15
"""Digits of a number; what fits is a row of SQLite, an offset of a file and a JSON number."""

LARGEST = 10**DIGITS - 1


class WholeNumber(Convertor[int]):
    """`{number:whole}` in an address; a longer number leads nowhere."""

    regex = f"[0-9]{{1,{DIGITS}}}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class Digest(Convertor[str]):
    """`{identity:hex}` in an address: a digest, or the beginning of one."""

    regex = "[0-9a-fA-F]{8,64}"

    def convert(self, value: str) -> str:
        return value.lower()

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("whole", WholeNumber())
register_url_convertor("hex", Digest())


def whole_number(name: str, text: str) -> int:
    """The number that a parameter or a header gives. Raises BadInput naming it."""
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise BadInput(
            f"{name}={text[:40]!r} is not a number of at most {DIGITS} digits.",
            "Give a whole number.",
        )
    return int(text)
