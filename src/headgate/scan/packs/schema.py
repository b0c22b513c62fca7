"""What a rule pack says, typed.

Names are canonical: the dotted name that an import gives (`flask.request.args`), or the type of a
value and what is below it (`sqlite3.Cursor.execute`). `*.execute` is the method of a receiver
whose type is not known. A name that ends in `.*` stands for everything below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, NewType

from headgate.model.finding import Confidence, Severity
from headgate.model.record import record

if TYPE_CHECKING:
    from headgate.scan.patterns.schema import TaintRule

KindName = NewType("KindName", str)
"""e.g. `sql-injection`; the rule is `LANGUAGE/KIND`."""
ALL = "all"
"""In `safe_for`: every kind."""


@record
class Kind:
    """One kind of defect, in every language."""

    name: KindName
    cwe: int
    severity: Severity
    title: str
    message: str
    """`{source}` is what the trace's source is called, `{sink}` the sink's name in the code."""
    remedy: str
    labels: Mapping[str, Severity | None] = field(default_factory=dict[str, Severity | None])
    """By the label of the source, when not `severity`; None: not reported."""
    default_label: Severity | None = None
    """For labels that `labels` does not name; None: not reported. Without any `labels`, every label
    has `severity`."""
    confidence: Confidence = Confidence.HIGH
    """Of literals and absences, where their entries do not say."""
    taint: bool = True
    """Whether data flows to it; false for literals and absences."""
    family: str = ""
    """First part of the rule's name, instead of the language."""

    def rule(self, language: str) -> str:
        """What findings of it are called in a language."""
        return f"{self.family or language}/{self.name}"


Kinds = Mapping[KindName, Kind]


@record
class Condition:
    """What a value has to be. Exactly one field is set."""

    equals: Any = None
    """A constant with this value (and type: True is not 1)."""
    negated: Any = None
    """Not a constant with this value; a missing argument and an unknown value qualify."""
    among: tuple[Any, ...] = ()
    matches: str = ""
    """A constant text in which this regular expression is found (re.search)."""
    present: bool | None = None
    """Whether the argument is given at all."""
    constant: bool | None = None
    """Whether its value is known."""
    below: float | None = None
    """A constant number below this one."""
    type: str = ""
    """A value of this type."""
    op: str = "equals"
    """Which field is set."""


@record
class Selector:
    """Which functions, classes or parameters are meant; every field given has to hold."""

    decorator: tuple[str, ...] = ()
    """Canonical names of decorators, called or not."""
    base: tuple[str, ...] = ()
    """Classes that the function's class derives from, directly or not."""
    method: tuple[str, ...] = ()
    """Names of methods; with `base` only."""
    annotation: tuple[str, ...] = ()
    """Types that the parameter is annotated with (`Annotated`, `Optional` looked through)."""
    default: tuple[str, ...] = ()
    """Calls that the parameter's default is: `fastapi.Query`."""
    named: tuple[str, ...] = ()
    """Names of parameters."""
    first: bool = False
    """The first parameter (after `self`)."""
    call: tuple[str, ...] = ()
    """Calls that register the function."""
    handler: tuple[int | str, ...] = ()
    """Where the function stands in that call."""


@record
class Source:
    """Where data from outside comes in. One of `attr`, `call`, `param` is given."""

    label: str
    """web | stored | file | env | argv | network | model | library …"""
    what: str
    """What a trace calls it: `a query parameter`."""
    attr: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    param: Selector | None = None
    names: tuple[str, ...] | str = "all"
    """Of `param`: `all`, `from-path` (those that the route's pattern names; a converter `int`,
    `float`, `uuid` or an annotation of such a type makes them numbers), or names."""
    skip: tuple[str, ...] = ()
    """Of `param`: annotations or default calls (`fastapi.Depends`) that are no source."""
    injected: tuple[str, ...] = ()
    """Of `param`: default calls whose argument the framework calls to fill the parameter, with
    parameters of its own that are such sources."""
    safe_for: tuple[str, ...] = ()
    type: str = ""
    """Type of the value, for its methods; empty: a container of texts, or a text."""
    confidence: Confidence = Confidence.HIGH
    arg: int | str | None = None
    """Of `call`: the argument that is tainted instead of the result (`socket.recv_into(buf)`)."""
    exception: bool = False
    """Instead of a name: what `except … as e` binds."""
    route_path: bool = False
    """It is the path that was asked for: constant in a route without parameters."""
    body_only: bool = False
    """Of `param`: only where the entry's method has a body (POST, PUT, PATCH)."""


@record
class Sink:
    """Where data from outside does harm. One of `call`, `assign`, `returned` is given."""

    kind: KindName
    call: tuple[str, ...] = ()
    assign: tuple[str, ...] = ()
    """`flask.Response.headers[*]`, `TYPE.attribute`."""
    returned: Selector | None = None
    """Returned from functions so selected (`return:` in the file)."""
    args: tuple[str, ...] = ("*",)
    """Positions (`0`) and names of arguments; `*` any; `receiver`; `0[0]` the first item of the
    first argument, `0[*]` any item, `0[key]`."""
    when: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    """By position, name, or both (`1/Loader`), or what is in one (`0[1]`); `receiver.type`."""
    unless: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    """No sink when any of them holds."""
    receiver_like: str = ""
    """Regular expression (re.search, ignoring case) for the name of a receiver of unknown type: a
    `*.method` of one that matches is trusted as if the type were known."""
    confidence: Confidence = Confidence.HIGH
    unknown_receiver: Confidence = Confidence.LOW
    """The most a `*.method` is trusted."""
    unless_type: tuple[str, ...] = ()
    """Types of the value that do no harm."""
    text: str = ""
    """A regular expression (re.search, ignoring case) that the known beginning of the text has to
    match; unknown parts of it are `\\0`. E.g. `^https?://[^/]*\\0` for ssrf: host not fixed."""
    unless_text: str = ""
    what: str = ""
    """What the trace calls the sink; else its name."""
    severity: Severity | None = None


@record
class Sanitizer:
    """A call whose result is safe for some kinds."""

    call: tuple[str, ...]
    safe_for: tuple[str, ...]
    arg: int | str | None = None
    """The argument that is cleaned in place, instead of the result."""
    when: Mapping[str, Condition] = field(default_factory=dict[str, Condition])


@record
class Guard:
    """A call that answers whether a value is safe."""

    call: tuple[str, ...]
    safe_for: tuple[str, ...]
    on: str = "0"
    """`receiver` or the argument that is checked."""
    raises: bool = False
    """It raises, instead of answering, when the value is bad."""
    when_false: bool = False
    """The value is safe when the answer is false."""
    when: Mapping[str, Condition] = field(default_factory=dict[str, Condition])


@record
class Propagator:
    """How data passes through a call of a library. Without one, the arguments and the receiver of
    an unknown call flow to its result."""

    call: tuple[str, ...]
    sources: tuple[str, ...] = ("*",)
    """Positions, names, `receiver`, `*` (all arguments); `none`: nothing (`from:` in the file)."""
    to: str = "return"
    """`return`, `receiver`, `0` (an argument), `0[key]`, `receiver[0]` (under the key that argument
    0 is)."""
    type: str = ""
    """Of the result."""
    calls: int | str | None = None
    """An argument that is a function, called with the data (`map`, `Thread(target=)`)."""
    marks: tuple[str, ...] = ()
    """What is known of the result: `resolved` (a path without `..` and links), `host` (the host of
    a URL)."""


@record
class Model:
    """A type: where its values come from and what its methods give."""

    type: str
    created: tuple[str, ...] = ()
    """Functions that return it (`from:` in the file); the type's own name always does."""
    attrs: tuple[str, ...] = ()
    """Names and attributes that hold it."""
    params: Selector | None = None
    """Parameters that hold it."""
    bases: tuple[str, ...] = ()
    methods: Mapping[str, str] = field(default_factory=dict[str, str])
    """Method or attribute → type that it gives."""
    put: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    """Methods that put a value under a key, and the positions of the keys and, last, the value:
    `{set: [0, 1]}`; `[0, 1, 2]`: two keys. Positions count from 0 after the receiver."""
    take: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    """Methods that give what is under a key, and the positions of the keys: `{get: [0]}`."""
    inert: bool = False
    """No data comes out of it (a logger, a lock)."""


@record
class Entry:
    """Where execution begins from outside."""

    selector: Selector
    kind: str = "route"
    path: int | str | None = None
    """Where the pattern of the route stands."""
    methods: str = ""
    """Keyword with the HTTP methods."""
    method_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Decorator or method name → HTTP method (`fastapi.FastAPI.post: POST`)."""


@record
class Literal:
    """A mistake of configuration, judged by constants. One of `call`, `attr`, `assign`, `compare`
    is given."""

    kind: KindName
    call: tuple[str, ...] = ()
    attr: tuple[str, ...] = ()
    """The mere use of the name."""
    assign: tuple[str, ...] = ()
    """`flask.Flask.debug`, `flask.Flask.config[DEBUG]`, a module's variable `settings.DEBUG` as
    `*.DEBUG`; with `named` alone: any variable, keyword or key of that name."""
    named: str = ""
    """Regular expression (re.fullmatch, ignoring case) for the name that is assigned, or of one of
    the operands of `compare`."""
    compare: bool = False
    """An `==` or `!=` with an operand so named."""
    value: Condition | None = None
    """Of what is assigned (`when_value:` for a plain value)."""
    when: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    """All of them hold."""
    unless: Mapping[str, Condition] = field(default_factory=dict[str, Condition])
    """Any of them holds."""
    into: str = ""
    """Regular expression for what the result is for: the variable, key, keyword or function in
    whose name it ends (`token|secret|password`)."""
    files: str = ""
    """Regular expression for the path."""
    confidence: Confidence = Confidence.HIGH
    severity: Severity | None = None
    message: str = ""


@record
class Requirement:
    """Something that an entry has. Exactly one field is set."""

    decorator: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    attr: tuple[str, ...] = ()
    mentions: str = ""
    """Regular expression (re.fullmatch, ignoring case) for any name in the function."""
    parameter: tuple[str, ...] = ()
    """A parameter with this annotation or default call (`fastapi.Depends`)."""
    base: tuple[str, ...] = ()
    app: tuple[str, ...] = ()
    """A call or decorator anywhere in the project: `flask.Flask.before_request`,
    `flask_wtf.CSRFProtect`."""


@record
class Absence:
    """Something that entries should have and one does not."""

    kind: KindName
    on: str = "route"
    methods: tuple[str, ...] = ()
    """HTTP methods; empty: any."""
    path: str = ""
    """Regular expression (re.search, ignoring case) for the pattern or the function's name."""
    unless_path: str = ""
    where: tuple[Requirement, ...] = ()
    """Only entries that have one of these."""
    parameters: str = ""
    """`from-path`: only entries whose pattern has parameters."""
    require_any: tuple[Requirement, ...] = ()
    siblings: bool = False
    """Only where at least half, and two, of the other entries of the file have it."""
    question: str = ""
    """What to ask a human."""
    severity: Severity | None = None
    confidence: Confidence = Confidence.LOW


@record
class Example:
    """A test of the pack: whole files, by name. Lines of `bad` that end in `# BAD: kind[, kind]`
    must give exactly these, and no other line any."""

    bad: Mapping[str, str]
    good: Mapping[str, str]
    line: int = 0


@record
class Pack:
    """One framework or library."""

    name: str
    language: str
    version: int
    path: str
    when: tuple[str, ...] = ()
    """Top-level modules whose import, in the project, makes the pack count; empty: always."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Other names of the same thing: `flask.globals.request: flask.request`."""
    sources: tuple[Source, ...] = ()
    sinks: tuple[Sink, ...] = ()
    sanitizers: tuple[Sanitizer, ...] = ()
    guards: tuple[Guard, ...] = ()
    propagators: tuple[Propagator, ...] = ()
    models: tuple[Model, ...] = ()
    entries: tuple[Entry, ...] = ()
    literals: tuple[Literal, ...] = ()
    absences: tuple[Absence, ...] = ()
    never_returns: tuple[str, ...] = ()
    """Calls that raise or end the process: `flask.abort`, `sys.exit`."""
    tests: tuple[Example, ...] = ()
    rules: tuple[TaintRule, ...] = ()
    """Rules of a user's own, by what code looks like."""
    kinds: Mapping[KindName, Kind] = field(default_factory=dict[KindName, Kind])
    """What these rules find: no other pack speaks of it."""
