"""XML files as a small tree with line numbers; entities and document types are refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from headgate.deps.lockfiles.builder import Builder

_DEEPEST = 100
_MOST = 500_000


@dataclass(slots=True)
class Element:
    """One element, its name without the namespace."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list["Element"])

    def all(self, tag: str) -> list[Element]:
        """The children of that name."""
        return [child for child in self.children if child.tag == tag]

    def one(self, tag: str) -> Element | None:
        """The first child of that name."""
        return next((child for child in self.children if child.tag == tag), None)

    def value(self, tag: str) -> str:
        """The text of the first child of that name, without space around it."""
        child = self.one(tag)
        return "" if child is None else child.text.strip()


class _Refused(Exception):
    pass


def xml_tree(data: bytes, builder: Builder) -> Element | None:
    """The root element; None, with a problem noted, when the file is no plain XML."""
    parser = expat.ParserCreate(namespace_separator=" ")
    root = Element("", {}, 1)
    stack = [root]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(stack) > _DEEPEST:
            raise _Refused("its elements are nested too deeply")
        if count > _MOST:
            raise _Refused("it has too many elements")
        one = Element(tag.rpartition(" ")[2], attributes, parser.CurrentLineNumber)
        stack[-1].children.append(one)
        stack.append(one)

    def end(_tag: str) -> None:
        stack.pop()

    def characters(text: str) -> None:
        stack[-1].text += text

    def doctype(*_: object) -> None:
        raise _Refused("it declares a document type, behind which entities may hide")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        builder.problem(f"this is not XML ({expat.ErrorString(error.code)})", error.lineno or 1)
        return None
    except _Refused as error:
        builder.problem(f"this is not read: {error}", parser.CurrentLineNumber)
        return None
    except (ValueError, LookupError):
        builder.problem("this is not XML in an encoding that is known", 1)
        return None
    return root.children[0] if root.children else None
