"""Text that is not quite Unicode: names of files that are not UTF-8, kept byte for byte."""

from __future__ import annotations

from typing import Any, cast


def encode(text: str) -> str:
    """Surrogate escapes have no UTF-8: they are written as `\\xNN`, a backslash as `\\\\`."""
    if text.isascii() and "\\" not in text:
        return text
    out: list[str] = []
    for char in text:
        code = ord(char)
        if char == "\\":
            out.append("\\\\")
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif 0xD800 <= code <= 0xDFFF:
            out.append("\N{REPLACEMENT CHARACTER}")
        else:
            out.append(char)
    return "".join(out)


def decode(text: str) -> str:
    """The inverse of `encode`."""
    if "\\" not in text:
        return text
    out: list[str] = []
    index = 0
    while index < len(text):
        char = text[index]
        if char == "\\" and text[index + 1 : index + 2] == "x":
            out.append(chr(0xDC00 + int(text[index + 2 : index + 4], 16)))
            index += 4
        elif char == "\\":
            out.append("\\")
            index += 2
        else:
            out.append(char)
            index += 1
    return "".join(out)


def encode_all(value: Any) -> Any:
    """`encode` on every text of a JSON value."""
    if isinstance(value, str):
        return encode(value)
    if isinstance(value, dict):
        return {encode(str(k)): encode_all(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [encode_all(v) for v in cast("list[Any]", value)]
    return value


def decode_all(value: Any) -> Any:
    """`decode` on every text of a JSON value."""
    if isinstance(value, str):
        return decode(value)
    if isinstance(value, dict):
        return {decode(str(k)): decode_all(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [decode_all(v) for v in cast("list[Any]", value)]
    return value


def legible(text: str) -> str:
    """For people to read, not to be decoded: only what has no UTF-8 is escaped."""
    if text.isascii():
        return text
    return "".join(encode(char) if 0xD800 <= ord(char) <= 0xDFFF else char for char in text)


def legible_all(value: Any) -> Any:
    """`legible` on every text of a JSON value."""
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, dict):
        return {legible(str(k)): legible_all(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [legible_all(v) for v in cast("list[Any]", value)]
    return value
