"""What nothing limits: guesses of a password, and files that callers send."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.scan.absence import words
from headgate.scan.absence.lacks import Lack, Project, is_sign_in, lack
from headgate.scan.absence.names import last_name, walk
from headgate.scan.absence.routes import Route
from headgate.scan.ir import nodes as ir
from headgate.scan.late import late


def _rate_limit(project: Project) -> Iterator[Lack]:
    if not project.routes:
        return
    limited = project.uses(words.LIMITER)
    if limited and not _limits_single_routes(project) and not _limits_by_hand(project):
        return
    for route in project.routes:
        if limited and (_is_limited(route) or route.facts.has(words.LIMITER)):
            continue
        if is_sign_in(route) and not route.limited:
            yield lack(
                "missing-rate-limit",
                route.function,
                "What stops somebody from trying a million passwords here?",
            )


def _limits_single_routes(project: Project) -> bool:
    """Whether what limits is put on routes one by one, and not on all of them."""
    if any(_LIMITS_ALL.fullmatch(one) for one in project.mentions):
        return False
    return any(_is_limited(route) for route in project.routes)


def _limits_by_hand(project: Project) -> bool:
    """Whether one way to sign in counts attempts itself: that stops nobody on another one."""
    if any(_LIMITS_EVERYWHERE.fullmatch(one) for one in project.mentions):
        return False
    return any(route.facts.has(words.LIMITER) for route in project.routes if is_sign_in(route))


def _is_limited(route: Route) -> bool:
    named = any(_LIMITS_ONE.fullmatch(one) for one in route.decorators)
    return named or any(facts.has(words.LIMITER) for facts in route.guards)


_LIMITS_ONE = late(r"(\w*_)?limit(s|ed|er)?|(\w*_)?rate_?limit\w*|\w*throttle\w*", re.IGNORECASE)
_EVERYWHERE = (
    r"default_limits|application_limits|SlowAPI(ASGI)?Middleware|\w*(Rate|Limit|Throttl)\w*Middleware"
    r"|axes\w*"
)
_LIMITS_EVERYWHERE = late(_EVERYWHERE, re.IGNORECASE)
_LIMITS_ALL = late(
    rf"{_EVERYWHERE}|\w*lockout\w*|failed_?(login|attempt)\w*|login_?attempts?|attempts?|re?captcha\w*",
    re.IGNORECASE,
)


def _uploads(project: Project) -> Iterator[Lack]:
    for route in project.routes:
        facts = route.facts
        annotated = any(
            last_name(one) in ("UploadFile", "UploadedFile")
            for parameter in route.function.node[4]
            if parameter[5] is not None
            for one in walk(parameter[5])
            if one[0] in (ir.NAME, ir.ATTR)
        )
        if not annotated and facts.mentions.isdisjoint({"files", "FILES", "UploadFile"}):
            continue
        if facts.calls.isdisjoint(
            {"save", "write", "copyfileobj", "write_bytes", "chunks", "upload_fileobj"}
        ):
            continue
        if facts.has(words.UPLOAD_CHECKS) or _reads_so_much(route):
            continue
        # A limit of the size says nothing of a file that is kept under the name it came with.
        named = "filename" in facts.mentions and facts.calls.isdisjoint(_NEW_NAMES)
        if named or not project.uses(_UPLOAD_LIMIT):
            yield lack(
                "missing-upload-limits", route.function, "What may be uploaded here, and how much?"
            )


def _reads_so_much(route: Route) -> bool:
    """Whether it reads a given number of bytes and no more, compares how many there were, and
    gives the file a name of its own."""
    reads, compares = False, False
    for one in walk(route.function.node[5]):
        if one[0] == ir.CALL and last_name(one[3]) == "read" and len(one[4]) == 1:
            reads = True
        elif one[0] == ir.COMPARE and one[3][0] == ir.CALL and last_name(one[3][3]) == "len":
            compares = True
    return reads and compares and not route.facts.calls.isdisjoint(_NEW_NAMES)


_NEW_NAMES = frozenset({"uuid4", "token_hex", "token_urlsafe", "mkstemp", "NamedTemporaryFile"})
_UPLOAD_LIMIT = late(
    r"MAX_CONTENT_LENGTH|DATA_UPLOAD_MAX_MEMORY_SIZE|client_max_size|ALLOWED_EXTENSIONS",
    re.IGNORECASE,
)


CHECKS = (_rate_limit, _uploads)
