"""Ways from a value `p` that a stranger chose to a value `bar`, each with a twin that is harmless.

In the harmful twin `bar` is what the stranger chose, in the other it never is (or is checked on
every way). The pairs differ by as little as possible. `REJECT` stands for the frame's refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """A pair of bodies that make `bar` from `p`."""

    name: str
    bad: str
    good: str
    imports: str = ""
    module: str = ""
    good_module: str | None = None
    files: dict[str, str] = field(default_factory=dict[str, str])
    good_files: dict[str, str] | None = None
    asynchronous: bool = False
    kinds: tuple[str, ...] = ()
    """Only for these kinds; empty: for every kind."""
    not_kinds: tuple[str, ...] = ()
    """Not for these: text before it makes an address harmless."""


_WORDS_HARMLESS = (
    "sql-injection", "command-injection", "path-traversal", "xss", "open-redirect", "redos",
    "xpath-injection", "ldap-injection", "nosql-injection", "template-injection", "log-injection",
)  # fmt: skip
"""Kinds for which letters and digits alone do no harm."""
_ADDRESSES = ("open-redirect", "ssrf")
_PICKS = """
class Picks:
    def __init__(self, first, second):
        self.first = first
        self.second = second
        self.table = {"first": first, "second": second}

    def one(self):
        return self.first

    def other(self):
        return self.second

    @property
    def named(self):
        return self.table["first"]

    @property
    def unnamed(self):
        return self.table["second"]

    @classmethod
    def of(cls, value):
        return cls(value, "fixed")

    @staticmethod
    def passed(value):
        return value

    @staticmethod
    def dropped(value):
        return "fixed"
"""
_STEPS = """
def trim(text):
    text = text.strip()
    return text


def label(text):
    size = len(text)
    return "item" if size > 3 else "short"


def choose(first, second, which):
    if which == 1:
        return first
    return second
"""
_FACTORY = """
class Plain:
    def work(self, value):
        return "plain"


class Through(Plain):
    def work(self, value):
        kept = value
        return kept


def make(name):
    if name == "through":
        return Through()
    return Plain()
"""
_REQUEST_HELPER = """
class Reader:
    def __init__(self, given):
        self._given = given
        self._values = {}
        self.load()

    def load(self):
        self._values["given"] = self._given
        self._values["fixed"] = "some text"

    def parameter(self, name):
        return self._values[name]
"""

SHAPES: tuple[Shape, ...] = (
    Shape("direct", "bar = p", 'bar = "fixed"'),
    Shape("overwritten", 'bar = "fixed"\nbar = p', 'bar = p\nbar = "fixed"'),
    Shape("chain", "a = p\nb = a\nbar = b", 'a = p\nb = a\nbar = "fixed"\nb = bar'),
    Shape(
        "dict-keys",
        'table = {}\ntable["a"] = "fixed"\ntable["b"] = p\nbar = table["b"]',
        'table = {}\ntable["a"] = "fixed"\ntable["b"] = p\nbar = table["a"]',
    ),
    Shape(
        "dict-literal-get",
        'table = {"a": p, "b": "fixed"}\nbar = table.get("a")',
        'table = {"a": p, "b": "fixed"}\nbar = table.get("b")',
    ),
    Shape(
        "dict-update",
        'table = dict(a="fixed")\ntable.update({"a": p})\nbar = table["a"]',
        'table = dict(a=p)\ntable.update({"a": "fixed"})\nbar = table["a"]',
    ),
    Shape(
        "dict-spread",
        'first = {"a": p}\nsecond = {**first, "b": "fixed"}\nbar = second["a"]',
        'first = {"a": p}\nsecond = {**first, "b": "fixed"}\nbar = second["b"]',
    ),
    Shape(
        "list-positions",
        'values = ["one"]\nvalues.append(p)\nvalues.append("three")\nvalues.pop(0)\nbar = values[0]',
        'values = ["one"]\nvalues.append(p)\nvalues.append("three")\nvalues.pop(0)\nbar = values[1]',
    ),
    Shape(
        "list-negative",
        'values = ["one", p]\nbar = values[-1]',
        'values = ["one", p]\nbar = values[-2]',
    ),
    Shape(
        "nested",
        'deep = {"row": [p, "fixed"]}\nbar = deep["row"][0]',
        'deep = {"row": [p, "fixed"]}\nbar = deep["row"][1]',
    ),
    Shape(
        "unpack", 'left, right = p, "fixed"\nbar = left', 'left, right = p, "fixed"\nbar = right'
    ),
    Shape(
        "swap", 'a, b = p, "fixed"\na, b = b, a\nbar = b', 'a, b = p, "fixed"\na, b = b, a\nbar = a'
    ),
    Shape(
        "star",
        'first, *rest = ["fixed", p]\nbar = rest[0]',
        'first, *rest = ["fixed", p]\nbar = first',
    ),
    Shape(
        "ternary",
        'number = 106\nbar = p if 7 * 42 - number < 200 else "fixed"',
        'number = 106\nbar = "fixed" if 7 * 42 - number < 200 else p',
    ),
    Shape(
        "branch",
        'number = 86\nif 7 * 42 - number > 200:\n    bar = p\nelse:\n    bar = "fixed"',
        'number = 86\nif 7 * 42 - number > 200:\n    bar = "fixed"\nelse:\n    bar = p',
    ),
    Shape(
        "match",
        'letters = "ABC"\nletter = letters[1]\nmatch letter:\n    case "A":\n        bar = "fixed"\n'
        '    case "B":\n        bar = p\n    case _:\n        bar = "other"',
        'letters = "ABC"\nletter = letters[2]\nmatch letter:\n    case "A":\n        bar = p\n'
        '    case "B":\n        bar = p\n    case _:\n        bar = "other"',
    ),
    Shape("loop", "for item in [p]:\n    bar = item", 'for item in ["a", "b"]:\n    bar = item'),
    Shape(
        "loop-add",
        'bar = ""\nfor letter in p:\n    bar += letter',
        'bar = ""\nfor letter in p:\n    bar += "x"',
    ),
    Shape(
        "while",
        'parts = [p, "fixed"]\nbar = ""\nwhile parts:\n    bar = bar + parts.pop()',
        'parts = ["a", "fixed"]\nbar = ""\nwhile parts:\n    bar = bar + parts.pop()',
    ),
    Shape(
        "percent", 'bar = "%s-%s" % ("a", p)', 'bar = "%s-%s" % ("a", "b")', not_kinds=_ADDRESSES
    ),
    Shape(
        "format",
        'bar = "{0}-{1}".format("a", p)',
        'bar = "{0}".format("a", p)',
        not_kinds=_ADDRESSES,
    ),
    Shape(
        "format-names",
        'bar = "{word}".format(word=p, other="a")',
        'bar = "{other}".format(word=p, other="a")',
    ),
    Shape("f-string", 'bar = f"a{p}b"', 'bar = f"a{len(p)}b"', not_kinds=_ADDRESSES),
    Shape(
        "join",
        'bar = "".join(["a", p, "b"])',
        'bar = "".join(["a", "c", "b"])',
        not_kinds=_ADDRESSES,
    ),
    Shape("slice", "bar = p[1:]", 'bar = "abc"[1:]'),
    Shape(
        "methods",
        'bar = p.strip().lower().replace("a", "b")',
        'bar = " Abc ".strip().lower() + str(p.count("a"))',
    ),
    Shape("split", 'bar = p.split(",")[0]', 'bar = "a,b".split(",")[0]'),
    Shape(
        "try",
        'bar = "fixed"\ntry:\n    bar = p.encode("ascii").decode("ascii")\nexcept UnicodeError:\n    bar = "bad"',
        'bar = p\ntry:\n    p.encode("ascii")\nfinally:\n    bar = "fixed"',
    ),
    Shape(
        "base64",
        "bar = base64.b64decode(base64.b64encode(p.encode())).decode()",
        'bar = base64.b64decode(base64.b64encode(b"fixed")).decode()',
        imports="import base64",
    ),
    Shape(
        "comprehension",
        "bar = [item for item in [p]][0]",
        "bar = [str(len(item)) for item in [p]][0]",
    ),
    Shape(
        "comprehension-dict",
        'table = {key: p for key in ("a", "b")}\nbar = table["a"]',
        'table = {key: key.upper() for key in ("a", "b")}\nbar = table["a"]',
    ),
    Shape(
        "get-default",
        'bar = {"a": "fixed"}.get("missing", p)',
        'bar = {"a": "fixed"}.get(p, "none")',
    ),
    Shape(
        "lookup",
        "bar = NAMES.get(p, p)",
        'bar = NAMES.get(p, "none")',
        module='NAMES = {"one": "first", "two": "second"}',
    ),
    Shape("walrus", "if (bar := p):\n    pass", "if (size := len(p)):\n    pass\nbar = str(size)"),
    Shape(
        "conditional",
        'bar = p\nif len(p) > 5:\n    bar = "fixed"',
        'bar = p\nif len(p) > 5:\n    bar = "fixed"\nelse:\n    bar = "short"',
    ),
    Shape("or", 'bar = p or "fixed"', 'bar = p and "fixed" or "none"'),
    Shape(
        "function",
        "bar = keep(p)",
        "bar = drop(p)",
        module='def keep(value):\n    return value\n\n\ndef drop(value):\n    return "fixed"\n',
    ),
    Shape(
        "function-arguments",
        'bar = choose("a", p)',
        'bar = choose(p, "a")',
        module="def choose(first, second):\n    copy = first\n    return second\n",
    ),
    Shape(
        "function-keywords",
        'bar = choose(second=p, first="a")',
        'bar = choose(first=p, second="a")',
        module='def choose(first, second="x"):\n    return "[" + second + "]"\n',
        not_kinds=_ADDRESSES,
    ),
    Shape(
        "function-spread",
        'bar = choose(*["a", p])',
        'bar = choose(*[p, "a"])',
        module="def choose(first, second):\n    return second\n",
    ),
    Shape(
        "function-options",
        'bar = build(word=p, other="a")',
        'bar = build(word="a", other=p)',
        module='def build(**options):\n    return options["word"]\n',
    ),
    Shape(
        "recursion",
        "bar = repeat(p, 3)",
        'bar = repeat("x", len(p))',
        module='def repeat(text, times):\n    if times <= 0:\n        return ""\n    return text + repeat(text, times - 1)\n',
    ),
    Shape(
        "other-file",
        "bar = steps.trim(p)",
        "bar = steps.label(p)",
        imports="import steps",
        files={"steps.py": _STEPS},
    ),
    Shape(
        "other-file-constant",
        'bar = choose(p, "fixed", 1)',
        'bar = choose(p, "fixed", 2)',
        imports="from steps import choose",
        files={"steps.py": _STEPS},
    ),
    Shape(
        "package",
        "bar = clean_name(p)",
        "bar = clean_label(p)",
        imports="from helpers.text import clean_name, clean_label",
        files={
            "helpers/__init__.py": "",
            "helpers/text.py": "from .steps import trim, label\n\n\ndef clean_name(value):\n    return trim(value)\n\n\n"
            "def clean_label(value):\n    return label(value)\n",
            "helpers/steps.py": _STEPS,
        },
    ),
    Shape(
        "factory",
        'bar = make("through").work(p)',
        'bar = make("plain").work(p)',
        imports="from factory import make",
        files={"factory.py": _FACTORY},
    ),
    Shape(
        "inheritance",
        "bar = Through().work(p)",
        "bar = Plain().work(p)",
        imports="from factory import Plain, Through",
        files={"factory.py": _FACTORY},
    ),
    Shape(
        "helper-object",
        'bar = Reader(p).parameter("given")',
        'bar = Reader(p).parameter("fixed")',
        imports="from reading import Reader",
        files={"reading.py": _REQUEST_HELPER},
    ),
    Shape(
        "object-fields",
        'picks = Picks(p, "fixed")\nbar = picks.one()',
        'picks = Picks(p, "fixed")\nbar = picks.other()',
        module=_PICKS,
    ),
    Shape(
        "object-property",
        'bar = Picks(p, "fixed").named',
        'bar = Picks(p, "fixed").unnamed',
        module=_PICKS,
    ),
    Shape(
        "object-classmethod", "bar = Picks.of(p).first", "bar = Picks.of(p).second", module=_PICKS
    ),
    Shape("object-static", "bar = Picks.passed(p)", "bar = Picks.dropped(p)", module=_PICKS),
    Shape(
        "object-attribute",
        'holder = Picks("a", "b")\nholder.first = p\nbar = holder.one()',
        'holder = Picks(p, "b")\nholder.first = "a"\nbar = holder.one()',
        module=_PICKS,
    ),
    Shape(
        "closure",
        "def inner():\n    return p\nbar = inner()",
        'def inner():\n    size = len(p)\n    return "fixed" * size\nbar = inner()',
    ),
    Shape(
        "default-argument",
        "def inner(value=p):\n    return value\nbar = inner()",
        'def inner(value=p):\n    return value\nbar = inner("fixed")',
    ),
    Shape(
        "lambda",
        "keep = lambda value: value\nbar = keep(p)",
        'drop = lambda value: "fixed"\nbar = drop(p)',
    ),
    Shape(
        "map",
        'bar = list(map(lambda item: item + "x", [p]))[0]',
        'bar = list(map(lambda item: "x", [p]))[0]',
    ),
    Shape(
        "generator",
        "def items():\n    yield p\nbar = next(items())",
        'def items():\n    yield "fixed"\nbar = next(items())',
    ),
    Shape(
        "dataclass",
        'row = Row(p, "fixed")\nbar = row.name',
        'row = Row(p, "fixed")\nbar = row.note',
        imports="from dataclasses import dataclass",
        module="@dataclass\nclass Row:\n    name: str\n    note: str\n",
    ),
    Shape(
        "named-tuple",
        'row = Row(name=p, note="fixed")\nbar = row.name',
        'row = Row(name=p, note="fixed")\nbar = row.note',
        imports="from typing import NamedTuple",
        module="class Row(NamedTuple):\n    name: str\n    note: str\n",
    ),
    Shape(
        "decorator",
        "bar = work(p)",
        "bar = work(p)",
        imports="import functools",
        module="def passing(function):\n    @functools.wraps(function)\n    def inner(value):\n        return function(value)\n"
        "    return inner\n\n\n@passing\ndef work(value):\n    return value\n",
        good_module='def passing(function):\n    @functools.wraps(function)\n    def inner(value):\n        return function("fixed")\n'
        "    return inner\n\n\n@passing\ndef work(value):\n    return value\n",
    ),
    Shape(
        "context-manager",
        'with Held(p, "fixed") as held:\n    bar = held.value',
        'with Held(p, "fixed") as held:\n    bar = held.other',
        module="class Held:\n    def __init__(self, value, other):\n        self.value = value\n        self.other = other\n\n"
        "    def __enter__(self):\n        return self\n\n    def __exit__(self, *error):\n        return None\n",
    ),
    Shape(
        "configparser",
        'store = configparser.ConfigParser()\nstore.add_section("s")\nstore.set("s", "a", "fixed")\nstore.set("s", "b", p)\nbar = store.get("s", "b")',
        'store = configparser.ConfigParser()\nstore.add_section("s")\nstore.set("s", "a", "fixed")\nstore.set("s", "b", p)\nbar = store.get("s", "a")',
        imports="import configparser",
    ),
    Shape(
        "enum",
        'bar = p if p in Colour.__members__ else p + "x"',
        "bar = Colour[p].value",
        imports="import enum",
        module='class Colour(enum.Enum):\n    RED = "red"\n    BLUE = "blue"\n',
    ),
    Shape(
        "getattr",
        'picks = Picks(p, "fixed")\nbar = getattr(picks, "first")',
        'picks = Picks(p, "fixed")\nbar = getattr(picks, "second")',
        module=_PICKS,
    ),
    Shape(
        "enumerate",
        "for index, item in enumerate([p]):\n    bar = item",
        "for index, item in enumerate([p]):\n    bar = str(index)",
    ),
    Shape(
        "zip",
        'for left, right in zip(["a"], [p]):\n    bar = right',
        'for left, right in zip(["a"], [p]):\n    bar = left',
    ),
    Shape(
        "items",
        'for key, value in {"a": p}.items():\n    bar = value',
        'for key, value in {"a": p}.items():\n    bar = key',
    ),
    Shape(
        "partial",
        'bar = functools.partial(choose, "a")(p)',
        'bar = functools.partial(choose, p)("a")',
        imports="import functools",
        module="def choose(first, second):\n    return second\n",
    ),
    Shape(
        "await",
        "async def inner(value):\n    return value\nbar = await inner(p)",
        'async def inner(value):\n    return "fixed"\nbar = await inner(p)',
        asynchronous=True,
    ),
    Shape(
        "module-state",
        'STATE["word"] = p\nbar = STATE["word"]',
        'STATE["word"] = p\nbar = STATE["kind"]',
        module='STATE = {"kind": "fixed", "word": ""}',
    ),
    Shape("copy", "bar = copy.copy(p)", 'bar = copy.copy("fixed")', imports="import copy"),
    Shape(
        "unquote",
        "bar = urllib.parse.unquote_plus(p)",
        'bar = urllib.parse.unquote_plus("fixed%20text")',
        imports="import urllib.parse",
    ),
    # Checks. In the harmful twin the check is there and does not help.
    Shape(
        "allowed",
        'if p not in ALLOWED:\n    print("unknown")\nbar = p',
        "if p not in ALLOWED:\n    REJECT\nbar = p",
        module='ALLOWED = ("one", "two")',
    ),
    Shape(
        "allowed-inside",
        'bar = "fixed"\nif p not in ("one", "two"):\n    bar = p',
        'bar = "fixed"\nif p in ("one", "two"):\n    bar = p',
    ),
    Shape(
        "equal",
        'if p != "one":\n    bar = p\nelse:\n    bar = "x"',
        'if p == "one":\n    bar = p\nelse:\n    bar = "x"',
    ),
    Shape(
        "digits", "if p.isdigit():\n    pass\nbar = p", "if not p.isdigit():\n    REJECT\nbar = p"
    ),
    Shape(
        "digits-late",
        "bar = p\nif not p.isdigit():\n    bar = bar + p",
        'bar = p if p.isdigit() else "0"',
    ),
    Shape("number", "try:\n    int(p)\nexcept ValueError:\n    pass\nbar = p", "bar = str(int(p))"),
    Shape(
        "number-check",
        "try:\n    size = int(p)\nexcept ValueError:\n    size = 0\nbar = p",
        "try:\n    size = int(p)\nexcept ValueError:\n    size = 0\nbar = str(size)",
    ),
    Shape(
        "pattern",
        'if not re.search(r"[a-z0-9]+", p):\n    REJECT\nbar = p',
        'if not re.fullmatch(r"[a-z0-9]+", p):\n    REJECT\nbar = p',
        imports="import re",
        kinds=_WORDS_HARMLESS,
    ),
    Shape(
        "pattern-compiled",
        "if not WORD.match(p):\n    REJECT\nbar = p",
        "if not WORD.match(p):\n    REJECT\nbar = p",
        imports="import re",
        module='WORD = re.compile(r"^[a-z0-9]+")',
        good_module='WORD = re.compile(r"^[a-z0-9]+\\Z")',
        kinds=_WORDS_HARMLESS,
    ),
    Shape(
        "check-function",
        "if not known(p):\n    REJECT\nbar = p",
        "if not known(p):\n    REJECT\nbar = p",
        module="def known(word):\n    return len(word) < 100\n",
        good_module='def known(word):\n    return word in ("one", "two", "three")\n',
    ),
    Shape(
        "check-raises",
        "require(p)\nbar = p",
        "require(p)\nbar = p",
        module='def require(word):\n    if not word:\n        raise ValueError("missing")\n',
        good_module='def require(word):\n    if word not in ("one", "two"):\n        raise ValueError("unknown")\n',
    ),
    Shape(
        "removed-characters",
        'bar = p.replace("x", "")',
        'bar = re.sub(r"[^a-z0-9]", "", p)',
        imports="import re",
        kinds=_WORDS_HARMLESS,
    ),
    Shape(
        "filtered-characters",
        'bar = "".join(letter for letter in p if letter != " ")',
        'bar = "".join(letter for letter in p if letter.isalnum())',
        kinds=_WORDS_HARMLESS,
    ),
)
