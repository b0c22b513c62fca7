"""Templates of HTML: Jinja, Django, EJS, Handlebars, Vue and Svelte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headgate.model.finding import Confidence, Severity, Span
from headgate.model.record import record
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.places import Places
from headgate.scan.infra.telling import LEAST, Teller, scan_each
from headgate.scan.infra.template import Printed, Where, printed
from headgate.scan.late import late

_ENDINGS = (
    ".html", ".htm", ".xhtml", ".jinja", ".jinja2", ".djhtml", ".html.j2", ".ejs", ".hbs",
    ".handlebars", ".mustache", ".njk", ".vue", ".svelte",
)  # fmt: skip
_RAW = late(r"\|\s*safe(seq)?\b|\bMarkup\(")
_ESCAPED = late(
    r"\|\s*(e|escape|force_?escape|tojson|json_script|escapejs|urlencode|urlize|striptags|int|float|"
    r"length|count|filesizeformat|date|time|round|yesno|default_if_none:\d+|slugify|linebreaks(br)?|"
    r"bleach\w*|sanitize\w*|clean\w*|nh3\w*|safe_html)\b|\b(tojson|json\.dumps|DOMPurify\.sanitize|"
    r"sanitize\w*|escape\w*|encodeURIComponent|url_for|static|csrf_token|get_flashed_messages)\s*\(",
    re.IGNORECASE,
)
_SCRIPT_SAFE = late(
    r"\|\s*(tojson|json|to_json|jsonify|escapejs|json_script|int|float|length|count|yesno|lower\|yesno|"
    r"safe_json|urlencode|unlocalize|date|time|floatformat)\b|\b(tojson|json\.dumps|JSON\.stringify|"
    r"url_for|static|url|asset|range|len)\s*\(|^\s*(true|false|none|null|\d+)\s*$",
    re.IGNORECASE,
)
_NUMBER = late(
    r"(^|[._])(id|pk|index0?|counter0?|count|total|num\w*|number|page|year|month|day|width|height|size|"
    r"length|port|lat|lng|lon|latitude|longitude|version|timestamp|revision|uuid|hash|nonce|token)\s*$"
    r"|^\s*(loop|forloop)\.|\bcsp_nonce\b|^\s*[\w.]+\s*[-+*/]\s*\d+\s*$",
    re.IGNORECASE,
)
_LITERAL = late(r"^\s*(\"[^\"]*\"|'[^']*'|\d+)\s*(\|.*)?$", re.DOTALL)
_CHOICE = late(r"^\s*(\"[^\"]*\"|'[^']*')\s+if\b.*?(\belse\s+(\"[^\"]*\"|'[^']*'))?\s*$", re.DOTALL)
_MARKUP = late(
    r"(^|[._])(\w*html\w*|markup|svg|icon\w*|rendered\w*|form|field|widget|media|super|caller|body|"
    r"pagination|script\w*|css|js|style\w*|toc|content|help_text|label_tag|as_p|render\w*|nav|badge|"
    r"errors|permalink)\s*(\(|\)|\||$|\.)",
    re.IGNORECASE,
)
_REQUEST = late(
    r"\brequest\.(args|values|form|cookies|headers|GET|POST|COOKIES|META|query_params|json|data|path|"
    r"full_path|url|query_string|referrer|user_agent)\b|\breq\.(query|body|params|headers|cookies)\b"
)
_ADDRESSES = ("href", "src", "action", "formaction", "xlink:href", "data", "cite", "poster")
_NO_SCHEME = late(
    r"url_for|static|\burl\b|_url\b|\.url\b|get_absolute_url|media|image|avatar|src\b|path|asset|link"
)
_UNESCAPING = late(r"\{%-?\s*autoescape\s+(off|false)\b")
_TAG = late(r"<[A-Za-z!/]")
_V_HTML = late(r"\sv-html=(\"[^\"]*\"|'[^']*')|\[innerHTML\]=(\"[^\"]*\")|\{@html\s+([^}]+)\}")


@record
class Templates:
    """Judges what templates print without the escaping that its place needs."""

    least: Severity = LEAST

    name = "templates"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return path.lower().endswith(_ENDINGS)

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "templates", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    places = Places(text)
    for match in _V_HTML.finditer(text):
        value = (match[1] or match[2] or match[3]).strip("\"'")
        if not _ESCAPED.search(value) and not re.search(r"^\s*['\"`]|sanitiz|purif|\$t\(", value):
            span = places.span(match.start() + 1, match.end())
            teller.say("unescaped", span)
    if teller.path.endswith((".vue", ".svelte")):
        # Their `{{ }}` and `{ }` are text, whatever they are in.
        return
    if "{{" not in text and "<%" not in text:
        return
    if _UNESCAPING.search(text) and not _TAG.search(text):
        # A text that says so, like that of a mail: no browser takes it for a page.
        return
    for one in printed(text):
        _value(one, places.span(one.start, one.end), teller)


def _value(one: Printed, span: Span, teller: Teller) -> None:
    expression = one.expression
    if not expression or _LITERAL.match(expression) or _CHOICE.match(expression):
        return
    if expression.startswith(("#", "/", "!", ">", "else")):
        # Blocks, comments and partials of Handlebars.
        return
    direct = bool(_REQUEST.search(expression))
    severity = Severity.HIGH if direct else None
    sure = Confidence.HIGH if direct else None
    raw = one.raw or bool(_RAW.search(expression)) or not one.escaping
    if raw and not _ESCAPED.search(expression):
        if _NUMBER.search(expression.partition("|")[0]):
            return
        partial = one.raw and re.match(r"\s*(include|contentFor|body|yield)\b", expression)
        if partial:
            return
        if not direct and _MARKUP.search(expression.partition("|")[0]):
            # Named as what is markup already; whether it is, is not seen here.
            sure, severity = Confidence.LOW, Severity.LOW
        teller.say("unescaped", span, severity=severity, confidence=sure)
        return
    if _SCRIPT_SAFE.search(expression) or _NUMBER.search(expression.partition("|")[0]):
        return
    where = one.where
    handler = one.attribute.startswith("on") and len(one.attribute) > 3
    script = one.before.lstrip().lower().startswith("javascript:")
    if where in (Where.QUOTED, Where.UNQUOTED) and (handler or script):
        teller.say("in-handler", span, severity=severity, confidence=sure)
    elif where is Where.UNQUOTED:
        if not re.search(r"\b(url_for|static|url)\b", expression):
            teller.say("unquoted-attribute", span, severity=severity, confidence=sure)
    elif where in (Where.SCRIPT, Where.SCRIPT_TEMPLATE):
        teller.say("in-script", span, severity=severity, confidence=sure)
    elif where is Where.SCRIPT_TEXT:
        lower = Severity.MEDIUM if direct else Severity.LOW
        teller.say("in-script", span, severity=lower, confidence=sure)
    elif where is Where.QUOTED and one.attribute in _ADDRESSES and not one.before.strip():
        if direct:
            teller.say("address", span, severity=Severity.MEDIUM, confidence=Confidence.HIGH)
        elif one.attribute == "href" and not _NO_SCHEME.search(expression):
            teller.say("address", span)
