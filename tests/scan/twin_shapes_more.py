"""More ways from `p` to `bar`: parts of the language and of its library that are easily forgotten."""

from __future__ import annotations

from twin_shapes import Shape

_ADDRESSES = ("open-redirect", "ssrf")
_BOX = """
class Box:
    def __init__(self, value, other="fixed"):
        self._value = value
        self._other = other

    def __call__(self):
        return self._value

    def __str__(self):
        return self._value

    def __repr__(self):
        return "Box"

    def __getitem__(self, key):
        return self._value if key == "value" else self._other

    def __iter__(self):
        yield self._value

    def __len__(self):
        return 3

    def __add__(self, more):
        return self._value + more

    def __contains__(self, item):
        return True
"""
_SETTERS = """
class Person:
    kind = "fixed"

    def __init__(self):
        self._name = ""

    @property
    def name(self):
        return self._name

    @name.setter
    def name(self, value):
        self._name = value

    def with_name(self, value):
        self._name = value
        return self

    def with_note(self, value):
        self.note = value
        return self

    def build(self):
        return self._name
"""
_LAYERS = """
import abc


class Base(abc.ABC):
    def __init__(self, text):
        self.text = text

    def run(self):
        prepared = self.prepare(self.text)
        return self.finish(prepared)

    def prepare(self, text):
        return text

    @abc.abstractmethod
    def finish(self, text): ...


class Keeps(Base):
    def finish(self, text):
        return "[" + text + "]"


class Drops(Base):
    def finish(self, text):
        return "[" + str(len(text)) + "]"


class Replaces(Keeps):
    def prepare(self, text):
        super().prepare(text)
        return "fixed"
"""
_REGISTRY = """
def keep(value):
    return value


def drop(value):
    return "fixed"


HANDLERS = {"keep": keep, "drop": drop}
ORDERED = [drop, keep]
"""
_SERVICE = """
from .store import Store


class Service:
    def __init__(self, store=None):
        self.store = store or Store()

    def remember(self, value):
        self.store.put("word", value)
        self.store.put("kind", "fixed")

    def recall(self, what):
        return self.store.take(what)
"""
_STORE = """
class Store:
    def __init__(self):
        self._rows = {}

    def put(self, key, value):
        self._rows[key] = value

    def take(self, key):
        return self._rows[key]
"""

MORE_SHAPES: tuple[Shape, ...] = (
    Shape("call-operator", "bar = Box(p)()", 'bar = Box("a", p)()', module=_BOX),
    Shape(
        "text-of-object",
        'bar = "%s" % Box(p)',
        "bar = repr(Box(p))",
        module=_BOX,
        not_kinds=_ADDRESSES,
    ),
    Shape("f-string-of-object", 'bar = f"{Box(p)}"', 'bar = f"{Box(p)!r}"', module=_BOX),
    Shape("item-operator", 'bar = Box(p)["value"]', 'bar = Box(p)["other"]', module=_BOX),
    Shape(
        "iterating-object",
        "for item in Box(p):\n    bar = item",
        'bar = "x"\nfor item in Box("a", p):\n    bar = item',
        module=_BOX,
    ),
    Shape("plus-operator", 'bar = Box(p) + "x"', 'bar = Box("a", p) + "x"', module=_BOX),
    Shape(
        "setter",
        "person = Person()\nperson.name = p\nbar = person.name",
        "person = Person()\nperson.name = p\nbar = person.kind",
        module=_SETTERS,
    ),
    Shape(
        "fluent",
        "bar = Person().with_name(p).build()",
        'bar = Person().with_note(p).with_name("a").build()',
        module=_SETTERS,
    ),
    Shape(
        "abstract-method",
        "bar = Keeps(p).run()",
        "bar = Drops(p).run()",
        module=_LAYERS,
        not_kinds=_ADDRESSES,
    ),
    Shape(
        "super-method",
        "bar = Keeps(p).run()",
        "bar = Replaces(p).run()",
        module=_LAYERS,
        not_kinds=_ADDRESSES,
    ),
    Shape(
        "table-of-functions",
        'bar = HANDLERS["keep"](p)',
        'bar = HANDLERS["drop"](p)',
        module=_REGISTRY,
    ),
    Shape("list-of-functions", "bar = ORDERED[1](p)", "bar = ORDERED[0](p)", module=_REGISTRY),
    Shape(
        "function-value",
        "chosen = keep\nbar = chosen(p)",
        "chosen = drop\nbar = chosen(p)",
        module=_REGISTRY,
    ),
    Shape(
        "function-given",
        "def apply(function, value):\n    return function(value)\nbar = apply(keep, p)",
        "def apply(function, value):\n    return function(value)\nbar = apply(drop, p)",
        module=_REGISTRY,
    ),
    Shape(
        "nonlocal",
        'bar = ""\ndef put():\n    nonlocal bar\n    bar = p\nput()',
        'bar = p\ndef put():\n    nonlocal bar\n    bar = "fixed"\nput()',
    ),
    Shape(
        "counter-closure",
        "def maker(value):\n    def inner():\n        return value\n    return inner\nbar = maker(p)()",
        'def maker(value):\n    def inner(value="fixed"):\n        return value\n    return inner\nbar = maker(p)()',
    ),
    Shape(
        "services",
        'service = Service()\nservice.remember(p)\nbar = service.recall("word")',
        'service = Service()\nservice.remember(p)\nbar = service.recall("kind")',
        imports="from shop.service import Service",
        files={"shop/__init__.py": "", "shop/service.py": _SERVICE, "shop/store.py": _STORE},
    ),
    Shape(
        "re-export",
        "bar = tools.keep(p)",
        "bar = tools.drop(p)",
        imports="import tools",
        files={
            "tools/__init__.py": "from tools.inner import keep, drop\n",
            "tools/inner.py": _REGISTRY,
        },
    ),
    Shape(
        "star-import",
        "bar = keep(p)",
        "bar = drop(p)",
        imports="from inner import *",
        files={"inner.py": _REGISTRY},
    ),
    Shape(
        "alias-import",
        "bar = inner_tools.keep(p)",
        "bar = inner_tools.drop(p)",
        imports="import tools.inner as inner_tools",
        files={"tools/__init__.py": "", "tools/inner.py": _REGISTRY},
    ),
    Shape(
        "local-import",
        "from inner import keep\nbar = keep(p)",
        "from inner import drop\nbar = drop(p)",
        files={"inner.py": _REGISTRY},
    ),
    Shape(
        "module-constant",
        "bar = p if settings.OPEN else settings.WORD",
        "bar = settings.WORD if settings.OPEN else p",
        imports="import settings",
        files={"settings.py": 'OPEN = True\nWORD = "fixed"\n'},
    ),
    Shape(
        "other-module-state",
        "state.current = p\nbar = state.current",
        "state.current = p\nbar = state.kind",
        imports="import state",
        files={"state.py": 'current = ""\nkind = "fixed"\n'},
    ),
    Shape(
        "dict-zip",
        'bar = dict(zip(["a", "b"], ["x", p]))["b"]',
        'bar = dict(zip(["a", "b"], ["x", "y"]))["b"]',
    ),
    Shape("dict-merge", 'bar = ({"a": "x"} | {"a": p})["a"]', 'bar = ({"a": p} | {"a": "x"})["a"]'),
    Shape(
        "setdefault",
        'table = {}\nbar = table.setdefault("a", p)',
        'table = {"a": "x"}\nbar = table.setdefault("a", p)',
    ),
    Shape(
        "dict-pop",
        'table = {"a": p, "b": "x"}\nbar = table.pop("a")',
        'table = {"a": p, "b": "x"}\nbar = table.pop("b")',
    ),
    Shape(
        "dict-delete",
        'table = {"a": p}\ntable["b"] = "x"\nbar = table["a"]',
        'table = {"a": p}\ndel table["a"]\ntable["a"] = "x"\nbar = table["a"]',
    ),
    Shape(
        "default-dict",
        'table = collections.defaultdict(list)\ntable["a"].append(p)\nbar = table["a"][0]',
        'table = collections.defaultdict(list)\ntable["a"].append(p)\ntable["b"].append("x")\nbar = table["b"][0]',
        imports="import collections",
    ),
    Shape(
        "deque",
        'line = collections.deque(["x"])\nline.append(p)\nbar = line.pop()',
        'line = collections.deque(["x"])\nline.append("y")\nbar = line.pop()',
        imports="import collections",
    ),
    Shape(
        "insert",
        'values = ["a", "b"]\nvalues.insert(0, p)\nbar = values[0]',
        'values = ["a", "b"]\nvalues.insert(0, p)\nbar = values[1]',
    ),
    Shape(
        "extend",
        'values = ["a"]\nvalues.extend([p, "b"])\nbar = values[1]',
        'values = ["a"]\nvalues.extend([p, "b"])\nbar = values[2]',
    ),
    Shape("plus-lists", 'bar = (["a"] + [p])[1]', 'bar = (["a"] + [p])[0]'),
    Shape("reversed", 'bar = list(reversed(["a", p]))[0]', 'bar = list(reversed(["a", p]))[1]'),
    Shape("sorted", 'bar = sorted([p, "a"], key=len)[0]', 'bar = sorted(["b", "a"], key=len)[0]'),
    Shape("max", 'bar = max([p, "a"], key=len)', "bar = str(max([len(p), 3]))"),
    Shape(
        "reduce",
        'bar = functools.reduce(lambda left, right: left + right, ["a", p])',
        'bar = functools.reduce(lambda left, right: left, ["a", p])',
        imports="import functools",
        not_kinds=_ADDRESSES,
    ),
    Shape(
        "item-getter",
        'bar = operator.itemgetter(1)(["a", p])',
        'bar = operator.itemgetter(0)(["a", p])',
        imports="import operator",
    ),
    Shape("partition", 'bar = p.partition("=")[2]', 'bar = "a=b".partition("=")[2]'),
    Shape("remove-prefix", 'bar = p.removeprefix("a")', 'bar = "abc".removeprefix(p[:0])'),
    Shape(
        "percent-names",
        'bar = "%(a)s%(b)s" % {"a": p, "b": "x"}',
        'bar = "%(b)s" % {"a": p, "b": "x"}',
    ),
    Shape("percent-number", 'bar = "%s" % p', 'bar = "%d" % len(p)'),
    Shape(
        "string-template",
        'bar = string.Template("$a").substitute(a=p)',
        'bar = string.Template("$b").substitute(a=p, b="x")',
        imports="import string",
    ),
    Shape(
        "string-io",
        "out = io.StringIO()\nout.write(p)\nbar = out.getvalue()",
        'out = io.StringIO()\nout.write("x")\nbar = out.getvalue()',
        imports="import io",
    ),
    Shape(
        "bytes",
        'bar = bytes(p, "utf-8").decode("utf-8")',
        'bar = bytes("x", "utf-8").decode("utf-8")',
    ),
    Shape(
        "byte-array",
        "data = bytearray()\ndata.extend(p.encode())\nbar = data.decode()",
        'data = bytearray()\ndata.extend(b"x")\nbar = data.decode()',
    ),
    Shape(
        "json-trip",
        'bar = json.loads(json.dumps({"a": p}))["a"]',
        'bar = json.loads(json.dumps({"a": "x"}))["a"]',
        imports="import json",
    ),
    Shape(
        "parse-query",
        'bar = urllib.parse.parse_qs(p)["a"][0]',
        'bar = urllib.parse.parse_qs("a=b")["a"][0]',
        imports="import urllib.parse",
    ),
    Shape(
        "match-sequence",
        'match ["go", p]:\n    case ["go", where]:\n        bar = where\n    case _:\n        bar = "x"',
        'match ["go", p]:\n    case [what, _]:\n        bar = what\n    case _:\n        bar = "x"',
    ),
    Shape(
        "match-mapping",
        'match {"a": p, "b": "x"}:\n    case {"a": found}:\n        bar = found',
        'match {"a": p, "b": "x"}:\n    case {"b": found}:\n        bar = found',
    ),
    Shape(
        "match-allowed",
        'match p:\n    case "one" | "two":\n        bar = "x"\n    case other:\n        bar = other',
        'match p:\n    case "one" | "two":\n        bar = p\n    case other:\n        bar = "x"',
    ),
    Shape(
        "raised",
        "try:\n    raise ValueError(p)\nexcept ValueError as error:\n    bar = str(error)",
        'try:\n    raise ValueError("x")\nexcept ValueError as error:\n    bar = str(error)',
    ),
    Shape(
        "for-else",
        'for item in ("a", "b"):\n    if item == p:\n        bar = item\n        break\nelse:\n    bar = p',
        'for item in ("a", "b"):\n    if item == p:\n        bar = item\n        break\nelse:\n    bar = "x"',
    ),
    Shape(
        "while-break",
        "while True:\n    bar = p\n    if bar:\n        break",
        'while True:\n    bar = p\n    bar = "x"\n    break',
    ),
    Shape(
        "two-loops",
        'bar = ""\nkept = ""\nfor number in range(3):\n    bar = kept\n    kept = p',
        'bar = ""\nkept = ""\nfor number in range(3):\n    kept = p\n    bar = "x"',
    ),
    Shape(
        "helper-returns-early",
        "def clean(text):\n    if text.isdigit():\n        return text\n    return text.strip()\nbar = clean(p)",
        'def clean(text):\n    if text.isdigit():\n        return text\n    return "0"\nbar = clean(p)',
    ),
    Shape(
        "helper-raises",
        'def clean(text):\n    if not text:\n        raise ValueError("empty")\n    return text\nbar = clean(p)',
        'def clean(text):\n    if not text.isdigit():\n        raise ValueError("no number")\n    return text\nbar = clean(p)',
    ),
    Shape(
        "key-error",
        "try:\n    bar = NAMES[p]\nexcept KeyError:\n    bar = p",
        "try:\n    bar = NAMES[p]\nexcept KeyError:\n    REJECT",
        module='NAMES = {"one": "1", "two": "2"}',
    ),
    Shape(
        "if-chain",
        'if p == "a":\n    bar = "1"\nelif p == "b":\n    bar = "2"\nelse:\n    bar = p',
        'if p == "a":\n    bar = "1"\nelif p == "b":\n    bar = p\nelse:\n    bar = "3"',
    ),
    Shape(
        "allowed-set",
        "if p not in set(ALLOWED) | {p}:\n    REJECT\nbar = p",
        "if p not in ALLOWED:\n    REJECT\nbar = p",
        module='ALLOWED = frozenset({"one", "two"})',
    ),
    Shape(
        "allowed-keys",
        "if p in ALLOWED.keys():\n    pass\nbar = p",
        "if p not in ALLOWED.keys():\n    REJECT\nbar = p",
        module='ALLOWED = {"one": 1, "two": 2}',
    ),
    Shape(
        "allowed-attribute",
        'class Rules:\n    words = ("one", "two")\nif p in Rules.words or p:\n    bar = p\nelse:\n    bar = "x"',
        'class Rules:\n    words = ("one", "two")\nif p in Rules.words:\n    bar = p\nelse:\n    bar = "x"',
    ),
    Shape(
        "allowed-any",
        'if len(p) in (1, 2, 3) or len(p) > 3:\n    bar = p\nelse:\n    bar = ""',
        'if any(p == one for one in ("one", "two")):\n    bar = p\nelse:\n    bar = ""',
    ),
    Shape("number-and-back", "bar = str(p)", "bar = str(float(p))", not_kinds=("nosql-injection",)),
    Shape(
        "uuid",
        'try:\n    uuid.UUID(p)\nexcept ValueError:\n    print("odd")\nbar = p',
        "bar = str(uuid.UUID(p))",
        imports="import uuid",
    ),
    Shape(
        "hash",
        "bar = hashlib.sha256(p.encode()).hexdigest() + p",
        "bar = hashlib.sha256(p.encode()).hexdigest()",
        imports="import hashlib",
        not_kinds=_ADDRESSES,
    ),
    Shape("length", "bar = p[:200]", "bar = str(len(p[:200]))"),
    Shape(
        "date",
        'bar = p.replace("-", "/")',
        'bar = datetime.datetime.strptime(p, "%Y-%m-%d").strftime("%d.%m.%Y")',
        imports="import datetime",
    ),
    Shape(
        "thread",
        "box = []\nworker = threading.Thread(target=box.append, args=(p,))\nworker.start()\nworker.join()\nbar = p",
        'box = []\nworker = threading.Thread(target=box.append, args=(p,))\nworker.start()\nworker.join()\nbar = "x"',
        imports="import threading",
    ),
    Shape(
        "gather",
        'async def inner(value):\n    return value\nfirst, second = await asyncio.gather(inner("a"), inner(p))\nbar = second',
        'async def inner(value):\n    return value\nfirst, second = await asyncio.gather(inner("a"), inner("b"))\nbar = second',
        imports="import asyncio",
        asynchronous=True,
    ),
    Shape(
        "to-thread",
        "def work(value):\n    return value\nbar = await asyncio.to_thread(work, p)",
        'def work(value):\n    return "x"\nbar = await asyncio.to_thread(work, p)',
        imports="import asyncio",
        asynchronous=True,
    ),
    Shape(
        "async-for",
        "async def items():\n    yield p\nasync for item in items():\n    bar = item",
        'async def items():\n    yield "x"\nasync for item in items():\n    bar = item',
        asynchronous=True,
    ),
    Shape(
        "async-with",
        "async with Held(p) as held:\n    bar = held",
        'async with Held(p) as held:\n    bar = "x"\n',
        module="class Held:\n    def __init__(self, value):\n        self.value = value\n\n    async def __aenter__(self):\n        return self.value\n\n    async def __aexit__(self, *error):\n        return None\n",
        asynchronous=True,
    ),
    Shape(
        "post-init",
        "bar = Row(p).shown",
        "bar = Row(p).kind",
        imports="from dataclasses import dataclass, field",
        module='@dataclass\nclass Row:\n    name: str\n    shown: str = ""\n    kind: str = field(default="fixed")\n\n    def __post_init__(self):\n        self.shown = self.name\n',
    ),
    Shape(
        "typed-dict",
        'row: Row = {"name": p, "kind": "x"}\nbar = row["name"]',
        'row: Row = {"name": p, "kind": "x"}\nbar = row["kind"]',
        imports="from typing import TypedDict",
        module="class Row(TypedDict):\n    name: str\n    kind: str\n",
    ),
    Shape(
        "slots",
        "row = Row()\nrow.name = p\nbar = row.name",
        'row = Row()\nrow.name = p\nrow.kind = "x"\nbar = row.kind',
        module='class Row:\n    __slots__ = ("kind", "name")\n',
    ),
    Shape(
        "setattr",
        'row = Row()\nsetattr(row, "name", p)\nbar = row.name',
        'row = Row()\nsetattr(row, "name", p)\nrow.kind = "x"\nbar = row.kind',
        module='class Row:\n    name = "a"\n    kind = "b"\n',
    ),
    Shape(
        "vars",
        'row = {"name": p}\nholder = Row(**row)\nbar = holder.name',
        'row = {"name": p}\nholder = Row(**row)\nbar = holder.kind',
        module='class Row:\n    def __init__(self, name, kind="fixed"):\n        self.name = name\n        self.kind = kind\n',
    ),
    Shape(
        "cached",
        "bar = work(p)",
        "bar = work(len(p))",
        imports="import functools",
        module="@functools.lru_cache\ndef work(value):\n    return str(value)\n",
        not_kinds=("nosql-injection",),
    ),
    Shape(
        "decorator-arguments",
        "bar = work(p)",
        "bar = work(p)",
        imports="import functools",
        module='def tagged(tag):\n    def outer(function):\n        @functools.wraps(function)\n        def inner(*args, **kwargs):\n            return function(*args, **kwargs)\n        return inner\n    return outer\n\n\n@tagged("a")\ndef work(value):\n    return value\n',
        good_module='def tagged(tag):\n    def outer(function):\n        @functools.wraps(function)\n        def inner(*args, **kwargs):\n            return function(tag)\n        return inner\n    return outer\n\n\n@tagged("a")\ndef work(value):\n    return value\n',
    ),
    Shape(
        "embedded-in-text",
        "whole = f'150{p}abc'\nbar = whole[3:len(whole) - 3]",
        "whole = f'150{len(p)}abc'\nbar = whole[3:len(whole) - 3]",
    ),
    Shape(
        "conditional-import",
        "try:\n    from fast import keep\nexcept ImportError:\n    def keep(value):\n        return value\nbar = keep(p)",
        'try:\n    from fast import keep\nexcept ImportError:\n    def keep(value):\n        return "x"\nbar = keep("y")',
    ),
)
