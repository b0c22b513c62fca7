"""Settings: Django's and Flask's modules, and environment files."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

from headgate.model.finding import Confidence, Severity, Span
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.late import late

_ENVIRONMENT = late(r"(^|/)(\.env(\.[\w-]+)*|[\w-]+\.env)$")
_EXAMPLE = late(r"example|sample|template|dist|default|test", re.IGNORECASE)
_DEVELOPMENT = late(
    r"(^|[/_.-])(dev|devel|development|local|test|tests|testing|ci|debug)([/_.-]|$)",
    re.IGNORECASE,
)
_DJANGO = frozenset(
    {"INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "WSGI_APPLICATION", "ALLOWED_HOSTS",
     "AUTH_PASSWORD_VALIDATORS", "TEMPLATES", "DATABASES", "STATIC_URL"}
)  # fmt: skip
_FLASK = frozenset(
    {"SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_TRACK_MODIFICATIONS", "WTF_CSRF_ENABLED", "TESTING",
     "SESSION_COOKIE_SECURE", "JWT_SECRET_KEY", "SECRET_KEY", "MAIL_SERVER", "FLASK_ENV"}
)  # fmt: skip
_PLACEHOLDER = late(
    r"change[-_ ]?me|your[-_ ]|<.*>|example|placeholder|^$|test|dummy|\*\*\*", re.IGNORECASE
)
_WEAK_HASHERS = ("MD5PasswordHasher", "SHA1PasswordHasher", "CryptPasswordHasher")


@record
class Settings:
    """Judges the settings that a deployed application runs with."""

    least: Severity = LEAST

    name = "settings"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        name = path.rpartition("/")[2]
        if path.endswith(".py"):
            return "settings" in path or "config" in name
        return bool(_ENVIRONMENT.search(path)) and not _EXAMPLE.search(name)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "settings", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    if not teller.path.endswith(".py"):
        _environment(text, teller)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # What is no Python is told by those that read Python.
        return
    lines = text.split("\n")
    development = bool(_DEVELOPMENT.search("/".join(teller.path.split("/")[-2:])))
    assigned = {name for name, _ in _assignments(tree.body)}
    if len(assigned & _DJANGO) >= 2 or ("settings" in teller.path and assigned & _DJANGO):
        _Module(teller, lines, dict(_assignments(tree.body)), development).django()
    for one in tree.body:
        if isinstance(one, ast.ClassDef) and one.name.endswith(
            ("Config", "Settings", "Configuration")
        ):
            names = dict(_assignments(one.body))
            if names.keys() & _FLASK:
                soft = development or bool(re.match(r"(Dev|Test|Local|CI|Base$)", one.name))
                _Module(teller, lines, names, soft).flask()
    if assigned & _FLASK and not assigned & _DJANGO and len(assigned & _FLASK) >= 2:
        _Module(teller, lines, dict(_assignments(tree.body)), development).flask()


def _assignments(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for one in body:
        if isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Name):
                    yield target.id, one.value
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value:
            yield one.target.id, one.value


@record
class _Module:
    teller: Teller
    lines: Sequence[str]
    names: Mapping[str, ast.expr]
    development: bool

    def django(self) -> None:
        self._debug("DEBUG")
        hosts = self._texts("ALLOWED_HOSTS")
        if "*" in hosts:
            self._say("any-host", "ALLOWED_HOSTS")
        self._secret("SECRET_KEY")
        self._flags()
        for name in ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"):
            if self._is(name, True):
                severity = Severity.HIGH if self._is("CORS_ALLOW_CREDENTIALS", True) else None
                self._say("any-origin", name, severity=severity)
        if self._text("SESSION_SERIALIZER").endswith("PickleSerializer"):
            self._say("pickled-session", "SESSION_SERIALIZER")
        hashers = self._texts("PASSWORD_HASHERS")
        if hashers and hashers[0].endswith(_WEAK_HASHERS):
            self._say("weak-password-hash", "PASSWORD_HASHERS")
        middleware = self._texts("MIDDLEWARE")
        if (
            len(middleware) >= 3
            and any("SessionMiddleware" in one for one in middleware)
            and not any("csrf" in one.lower() for one in middleware)
        ):
            self._say("no-csrf-protection", "MIDDLEWARE")
        rest = self.names.get("REST_FRAMEWORK")
        if isinstance(rest, ast.Dict):
            for key, value in zip(rest.keys, rest.values, strict=True):
                named = isinstance(key, ast.Constant) and key.value == "DEFAULT_PERMISSION_CLASSES"
                if named and any("AllowAny" in text for text in _strings(value)):
                    self.teller.say("open-api", self._span(value))

    def flask(self) -> None:
        self._debug("DEBUG")
        self._secret("SECRET_KEY")
        self._secret("JWT_SECRET_KEY")
        self._flags()
        if self._is("WTF_CSRF_ENABLED", False):
            self._say("no-csrf-protection", "WTF_CSRF_ENABLED")

    def _flags(self) -> None:
        for name in ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE"):
            if self._is(name, False):
                self._say("insecure-cookie", name)

    def _debug(self, name: str) -> None:
        value = self.names.get(name)
        if value is None:
            return
        if self._is(name, True):
            self._say("debug-mode", name)
        elif isinstance(value, ast.Call):
            given = value.args[1:] + [one.value for one in value.keywords if one.arg == "default"]
            text = ast.unparse(value.func)
            if re.search(r"getenv|environ|env|config", text) and any(
                isinstance(one, ast.Constant) and str(one.value).lower() in ("true", "1")
                for one in given
            ):
                self._say("debug-mode", name, confidence=Confidence.MEDIUM)

    def _secret(self, name: str) -> None:
        value = self.names.get(name)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            sure = None
        elif (
            isinstance(value, ast.Call)
            and len(value.args) > 1
            and isinstance(value.args[1], ast.Constant)
            and isinstance(value.args[1].value, str)
        ):
            value, sure = value.args[1], Confidence.MEDIUM
        elif isinstance(value, ast.BoolOp) and isinstance(value.values[-1], ast.Constant):
            value, sure = value.values[-1], Confidence.MEDIUM
        else:
            return
        text = value.value
        if isinstance(text, str) and text and not _PLACEHOLDER.fullmatch(text):
            severity = Severity.LOW if self.development else None
            self.teller.say("secret-key", self._span(value), severity=severity, confidence=sure)

    def _say(
        self,
        code: str,
        name: str,
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> None:
        if self.development:
            severity = Severity.INFO
        span = self._span(self.names[name])
        self.teller.say(code, span, severity=severity, confidence=confidence)

    def _is(self, name: str, value: bool) -> bool:
        found = self.names.get(name)
        return isinstance(found, ast.Constant) and found.value is value

    def _text(self, name: str) -> str:
        found = self.names.get(name)
        return (
            found.value if isinstance(found, ast.Constant) and isinstance(found.value, str) else ""
        )

    def _texts(self, name: str) -> list[str]:
        found = self.names.get(name)
        return _strings(found) if found is not None else []

    def _span(self, node: ast.expr) -> Span:
        def column(line: int, offset: int) -> int:
            text = self.lines[line - 1] if line <= len(self.lines) else ""
            if text.isascii():
                return offset + 1
            return len(text.encode()[:offset].decode("utf-8", "replace")) + 1

        line, end_line = node.lineno, node.end_lineno or node.lineno
        last = node.end_col_offset or node.col_offset
        return Span("", line, column(line, node.col_offset), end_line, column(end_line, last))


def _strings(node: ast.expr) -> list[str]:
    if isinstance(node, (ast.List, ast.Tuple)):
        return [
            one.value
            for one in node.elts
            if isinstance(one, ast.Constant) and isinstance(one.value, str)
        ]
    return []


_LINE = late(r"^\s*(?:export\s+)?(?P<name>\w+)\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|\S*)")
_ON = ("1", "true", "on", "yes")
_VARIABLES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "FLASK_DEBUG": ("debug-mode", lambda value: value in _ON),
    "APP_DEBUG": ("debug-mode", lambda value: value in _ON),
    "DJANGO_DEBUG": ("debug-mode", lambda value: value in _ON),
    "NODE_TLS_REJECT_UNAUTHORIZED": ("certificate-check-off", lambda value: value == "0"),
    "GIT_SSL_NO_VERIFY": ("certificate-check-off", lambda value: value in _ON),
    "PYTHONHTTPSVERIFY": ("certificate-check-off", lambda value: value == "0"),
}


def _environment(text: str, teller: Teller) -> None:
    development = bool(_DEVELOPMENT.search(teller.path))
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if not match or match["name"] not in _VARIABLES:
            continue
        code, wrong = _VARIABLES[match["name"]]
        if wrong(match["value"].strip("\"'").lower()):
            severity = Severity.LOW if development else None
            span = Span("", number, match.start("name") + 1, number, match.end() + 1)
            teller.say(code, span, severity=severity)
