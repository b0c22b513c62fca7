"""Which files of JavaScript run in tests only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from headgate.scan.late import late

_NAME = late(
    r"(^|/)(__tests__|__mocks__|__fixtures__|tests?|spec|specs|e2e|cypress|benchmarks?|bench)/"
    r"|[.-](test|tests|spec|e2e|cy|bench|stories|test-d|tst)\.[cm]?[jt]sx?$",
    re.IGNORECASE,
)


def only_tests(
    imports: Mapping[str, Iterable[str]], resolve: Callable[[str, str], str | None]
) -> set[str]:
    """Files that are tests by their names and that no other file imports, directly or not.

    A name alone does not make a test: what the application imports is a part of it. `imports`: by
    path, what a file imports as written; `resolve`: path and what it imports → path, if it is one.
    """
    tests = {path for path in imports if _NAME.search(path)}
    waiting = [path for path in imports if path not in tests]
    while waiting and tests:
        path = waiting.pop()
        for name in imports[path]:
            found = resolve(path, name)
            if found in tests:
                tests.discard(found)
                waiting.append(found)
    return tests
