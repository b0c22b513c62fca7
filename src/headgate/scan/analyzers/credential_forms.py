"""Places where a value is a credential by the form of what is around it, not by a name alone.

Headers, command lines, connection strings, calls that take a user and a password, and formats that
keep the name of a value apart from the value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from functools import cache

from headgate.model.record import record
from headgate.scan.analyzers.credential_values import (
    Judgement,
    is_generated,
    is_placeholder,
    is_random,
    judge,
    judge_password,
    judge_token,
)
from headgate.scan.late import late

_WORD = (
    r"(?:pass(?:word|wd|phrase|code)?|passwd|pwd|secret|token|api[_.-]?key|access[_.-]?key|"
    r"private[_.-]?key|auth[_.-]?key|credentials?)"
)
_NAME = (
    rf"(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z0-9_.-]{{0,50}}?{_WORD}(?![a-z])[A-Za-z0-9_.-]{{0,30}})"
)
_BARE = r"(?P<value>[^\s\"'`;|&<>(){}$\\,]{4,128})"
_QUOTED = r"(?P<quote>[\"'`])(?P<value>(?:\\.|(?!(?P=quote))[^\\\n]){3,200})(?P=quote)"
_STRING = r"[rbuf$@]{0,2}(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')"


@record
class Form:
    """A pattern with the groups `value` and, where there is one, `name`."""

    hints: tuple[str, ...]
    """In lower case; no text without one of them has this form."""
    expression: str
    judge: Callable[[str, str], Judgement]
    """(name, value) → how bad and how sure; None: no credential."""
    ending: str = ""
    """An expression for what the path must end in; empty: any."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text has the hint: that takes longer than most texts."""
        return _compiled(self.expression, re.IGNORECASE | re.MULTILINE)

    def is_for(self, path: str) -> bool:
        """Whether files of this path may have the form."""
        return not self.ending or _compiled(self.ending, re.IGNORECASE).search(path) is not None


@cache
def _compiled(expression: str, flags: re.RegexFlag) -> re.Pattern[str]:
    return re.compile(expression, flags)


@record
class Match:
    """A credential; offsets in the text."""

    start: int
    end: int
    name: str
    judged: Judgement


def _as_password(name: str, value: str) -> Judgement:
    return judge_password(value)


def _generated(name: str, value: str) -> Judgement:
    return judge_token(value) if is_generated(value) and not is_placeholder(value) else None


def _random(name: str, value: str) -> Judgement:
    """For names that are those of anything: `key = "user:profile:123"`."""
    whole = is_random(value) or re.fullmatch(r"[0-9a-fA-F]+", value)
    return _generated(name, value) if whole else None


def _basic(name: str, value: str) -> Judgement:
    """The user and password of HTTP's basic authentication (RFC 7617)."""
    try:
        text = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return judge_password(password) if user and colon and text.isprintable() else None


def _form(
    hint: str, pattern: str, judged: Callable[[str, str], Judgement], files: str = ""
) -> Form:
    return Form(tuple(hint.split(" | ")), pattern, judged, files)


_XML = r"\.(?:xml|config|plist|resx|xaml|csproj|props|html|jsp)$"
_YAML = r"\.(?:ya?ml|json|tpl|jsonc)$"
_PROSE = r"\.(?:md|rst|txt|adoc|log|markdown|org|html?)$|/readme$|^readme$"

FORMS = (
    _form("basic", r"\bbasic\s+(?P<value>[A-Za-z0-9+/]{8,200}={0,2})(?![\w+/=])", _basic),
    _form("bearer", r"\bbearer\s+(?P<value>[\w.~+/-]{16,500}=*)", _generated),
    _form(
        "authorization",
        r"\bauthorization[\"']?\s?[:=,]\s?[\"']?token\s+(?P<value>[\w.~+/-]{16,500}=*)",
        _generated,
    ),
    _form(
        "env",
        # What is taken where the environment has nothing.
        rf"\b(?:getenv|environ\.get|os\.environ\.get|env|getordefault|fetch)\(\s*[\"']{_NAME}[\"']\s*,"
        rf"\s*(?:default\s?=\s?)?{_QUOTED}",
        judge,
    ),
    _form(
        "env.",
        rf"{_NAME}\s*(?:\|\||\?\?)\s*{_QUOTED}",
        judge,
    ),
    _form("->", rf"[\"']{_NAME}[\"']\s*->\s*{_QUOTED}", judge),
    _form(
        "=",
        rf"[?&](?P<name>(?:\w{{0,20}}[_-])?{_WORD}|key|auth|sig)=(?P<value>[^&\s\"'`<>{{}}$%#;]{{4,200}})",
        judge,
    ),
    _form(
        "=",
        r"(?:\b(?:server|host|data source|user id|user|uid|dbname|database|endpoint|accountname)="
        r"[^;\s\"']{1,100}[;\s][^\"'\n]{0,200}?)\b(?P<name>password|pwd|accountkey|sharedaccesskey)"
        r"\s?=\s?(?P<value>[^;\s\"'<>{}$&]{3,200})",
        _as_password,
    ),
    _form("@tcp(", rf"[\"'`][\w.-]+:{_BARE}@(?:tcp|unix)\(", _as_password),
    _form(
        "curl",
        r"\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[\w.@+-]+:(?P<value>[^\s\"'@$]{3,128})",
        _as_password,
    ),
    _form(
        "-p",
        r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]{0,200}?\s-p(?P<value>[^\s\"'$`;|-][^\s\"'$`;|]{3,99})",
        _as_password,
    ),
    _form(
        "login",
        r"\b(?:docker|podman|registry|az|oc|cf|buildah|skopeo)\s+login\b[^\n]{0,200}?\s(?:-p|--password)"
        r"[ =][\"']?(?P<value>[^\s\"'$`;|]{4,128})",
        _as_password,
    ),
    _form("sshpass", r"\bsshpass\s+-p\s?[\"']?(?P<value>[^\s\"'$`;|]{3,128})", _as_password),
    _form(
        "--",
        r"\s--?(?P<name>requirepass|(?:[a-z]{1,20}-)?(?:password|passwd|token|api-?key|secret))"
        r"[ =][\"']?"
        r"(?P<value>[^\s\"'$`;|<\[({-][^\s\"'$`;|>\])}]{5,128})",
        judge,
    ),
    _form(
        "chpasswd",
        r"echo\s+(?:-e\s+)?[\"']?\w+:(?P<value>[^\s\"'|$]{3,128})[\"']?\s*\|[^\n]{0,40}chpasswd",
        _as_password,
    ),
    _form(
        "securestring",
        rf"\bConvertTo-SecureString\s+(?:-String\s+|-AsPlainText\s+|-Force\s+)*{_QUOTED}",
        _as_password,
    ),
    _form(
        "identified",
        rf"\bidentified\s+(?:with\s+\S+\s+)?by\s+(?:password\s+)?{_QUOTED}",
        _as_password,
    ),
    _form(
        "password '",
        rf"\b(?:user|role|login)\b[^\n;]{{0,200}}?\bpassword\s*=?\s*{_QUOTED}",
        _as_password,
    ),
    _form("'", rf"\(\s*'{_NAME}'\s*,\s*'(?P<value>[^'\n]{{4,128}})'", judge, r"\.sql$"),
    _form("machine", r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<value>\S+)", _as_password),
    _form(
        ":",
        r"^[^:#\s]+:(?:\d+|\*):[^:\s]+:[^:\s]+:(?P<value>[^\s:]+)$",
        _as_password,
        r"(?:^|/)\.?pgpass(?:\.conf)?$",
    ),
    _form(":_", r":_(?P<name>authToken|password|auth)\s*=\s*(?P<value>[^\s${}\"']+)", judge),
    _form(
        "value",
        rf"\b(?:name|key|id)\s*=\s*\"{_NAME}\"[^>\n]{{0,80}}?\bvalue\s*=\s*\"(?P<value>[^\"\n]{{3,200}})\"",
        judge,
        _XML,
    ),
    _form(
        "=",
        rf"<(?:entry|string|item|param|property|prop|add|setting)\s+(?:key|name)\s*=\s*\"{_NAME}\"[^>\n]{{0,80}}>"
        r"(?P<value>[^<\n]{4,200})</",
        judge,
        _XML,
    ),
    _form(
        "<key>",
        rf"<key>{_NAME}</key>\s{{0,40}}<string>(?P<value>[^<\n]{{4,200}})</string>",
        judge,
        _XML,
    ),
    _form(
        "value",
        rf"\b(?:name|key)[\"']?\s?:\s{{0,4}}[\"']?{_NAME}[\"']?\s{{0,4}},?\s{{0,40}}[\"']?value[\"']?\s?:\s{{0,4}}"
        r"[\"']?(?P<value>[^\"'\s,{}$]{4,200})",
        judge,
        _YAML,
    ),
    _form(
        "default",
        rf"\bvariable\s+\"{_NAME}\"\s*\{{[^{{}}]{{0,400}}?\bdefault\s*=\s*\"(?P<value>[^\"\n]{{3,200}})\"",
        judge,
        r"\.(?:tf|hcl)$",
    ),
    _form(
        "auth | credential | login",
        r"\b(?:http(?:basic|digest)auth|networkcredential|\w{0,20}basicauth|basic_auth|"
        r"usernamepasswordcredentials|usernamepasswordauthenticationtoken|passwordauthentication|login|"
        rf"basiccredentials|auth\s?=\s?)\s?\(\s*{_STRING}\s*,\s*[rbu]?{_QUOTED}\s*[,).]",
        _as_password,
    ),
    _form(
        "connect | pdo",
        r"\b(?:getconnection|mysqli_connect|mysqli|pdo|mysql_connect|pg_connect|connect)\s?\([^\"'\n()]{0,80}"
        rf"(?:{_STRING}\s*,\s*)?{_STRING}\s*,\s*{_QUOTED}",
        _as_password,
    ),
    _form(
        "password( | passphrase( | secret( | token( | key(",
        r"\bset_?(?P<name>\w{0,40}?(?:password|passphrase|secret|token|apikey|accesskey))"
        rf"\(\s*[rbu@]?{_QUOTED}\s*\)",
        judge,
    ),
    _form(
        "jwt",
        rf"\bjwt\.(?:sign|verify|encode|decode)\([^\n\"'`]{{1,120}},\s*{_QUOTED}\s*[,)]",
        _as_password,
    ),
    _form("password", rf"^\s*(?P<name>\w{{0,20}}password)\s{{1,4}}{_QUOTED}", judge, r"\.gradle$"),
    _form(
        "=",
        rf"[\"']{_NAME}=(?P<value>[^\"'=\s${{}}<>;&]{{4,200}})[\"']",
        judge,
    ),
    _form(
        "{",
        rf"[{{,]\s?{_NAME}:\s{{1,4}}(?P<value>(?![!&*])[^\s,{{}}\"'$<>|]{{4,200}})\s?[,}}]",
        judge,
        r"\.ya?ml$",
    ),
    _form(":", rf"[\s{{(]:{_NAME}\s+{_QUOTED}", judge, r"\.(?:clj[cs]?|edn|el|lisp)$"),
    _form(",", rf"\{{\s*{_NAME}\s*,\s*{_QUOTED}\s*\}}", judge, r"\.(?:[eh]rl|config)$"),
    _form("param", rf"\bparam\s+{_NAME}\s+string\s*=\s*{_QUOTED}", judge, r"\.bicep$"),
    _form(
        "htpasswd",
        r"\bhtpasswd\s+-[a-zA-Z]*b[a-zA-Z]*\s+\S+\s+\S+\s+[\"']?(?P<value>[^\s\"'$`;|]{3,128})",
        _as_password,
    ),
    _form("define", rf"^\s*#\s*define\s+{_NAME}\s+{_QUOTED}", judge),
    _form(" as string", rf"{_NAME}\s+as\s+string\s*=\s*{_QUOTED}", judge),
    _form(
        "getbytes( | fromhex( | b64decode( | base64.decode | buffer.from( | unhexlify( "
        "| decodestring( | atob( | bytes(",
        r"(?<![A-Za-z0-9_.])(?P<name>[A-Za-z0-9_.]{0,40}(?:key|secret|token|salt|seed|nonce|iv))"
        r"\s*[:=]{1,2}\s*(?:new\s+)?"
        r"(?:encoding\.\w+\.getbytes|bytes\.fromhex|bytearray\.fromhex|(?:base64\.)?(?:standard_)?b64decode|base64\.decode\w*|"
        r"buffer\.from|(?:binascii\.)?unhexlify|hex\.decodestring|atob|hexdecode|bytes)\(\s*"
        rf"[rbu]?{_QUOTED}",
        _generated,
    ),
    _form("\\\" | \\'", rf"{_NAME}\s*[:=]\s*\\[\"'](?P<value>[^\"'\\\n]{{4,200}})\\[\"']", judge),
    _form(
        "key | salt | seed | nonce | auth | hmac",
        r"(?<![A-Za-z0-9])(?P<name>(?:[A-Za-z0-9]{1,30}[_.-])?(?:key|salt|seed|nonce|auth|hmac)"
        r"|(?-i:[a-z0-9]{1,30}(?:Key|Salt|Seed|Nonce|Auth|Hmac)))"
        r"(?![A-Za-z])[\"']?\s?(?::=|=>|=|:)\s?[rb]{0,2}"
        rf"{_QUOTED}",
        lambda name, value: None if _OPEN.search(name) else _random(name, value),
    ),
    _form(
        "pass | pwd | token | api | secret",
        r"\b(?P<name>password|passwd|pwd|passcode|passphrase|token|api[ _-]?key|secret(?: key)?)"
        r"\s?(?:is|[:=])\s{1,3}"
        r"[`\"'*]{0,2}(?P<value>[^\s`\"'<>*|,;()]{8,128})",
        lambda name, value: _prose(value),
        _PROSE,
    ),
)
_OPEN = late(
    r"public|csrf|cache|primary|foreign|sort|partition|index|lookup|i18n|locale|translation|state|"
    r"trans|msg|message|react|data|map|dict|object|json|hash|site|client|bucket|s3|storage|commit|"
    r"revision|checksum",
    re.IGNORECASE,
)
"""Names of keys that open nothing."""


def _prose(value: str) -> Judgement:
    """In a text only what nobody would take for a word counts."""
    value = value.rstrip(".:!?")
    mixed = bool(re.search(r"\d", value)) and bool(re.search(r"[A-Z]", value))
    return judge_token(value) if mixed and re.search(r"[a-z]", value) else None


def forms(path: str, text: str) -> Iterator[Match]:
    """Every credential of a form that the text has, in no order; they may overlap."""
    # ASCII only: a few letters change their length in lower case.
    low = text.encode("ascii", "replace").lower().decode("ascii")
    for form in FORMS:
        for first, last in _stretches(form, low):
            if not form.is_for(path):
                break
            for match in form.pattern.finditer(text, first, last):
                name = match.groupdict().get("name") or ""
                judged = form.judge(name, match["value"])
                if judged is not None:
                    yield Match(*match.span("value"), name, judged)


def _stretches(form: Form, low: str) -> Iterator[tuple[int, int]]:
    """The lines that have a hint of the form, or all of the text for one of several lines."""
    if form.ending:
        if any(hint in low for hint in form.hints):
            yield 0, len(low)
        return
    seen = -1
    for hint in form.hints:
        at = low.find(hint)
        while at >= 0:
            first = low.rfind("\n", 0, at) + 1
            last = low.find("\n", at)
            last = len(low) if last < 0 else last
            if first != seen:
                yield first, last
            seen = first
            at = low.find(hint, last)
