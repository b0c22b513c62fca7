"""Regular expressions that are compiled when they are first used.

To compile one takes between a tenth of a millisecond and two, and a scan of one file uses a third
of those that the modules it imports have.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def late(pattern: AnyStr, flags: int | re.RegexFlag = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, for constants of modules. What is wrong with the pattern is raised by its
    first use, and it is no pattern to `re.sub` and the like: call its own methods."""
    return cast("re.Pattern[AnyStr]", _Late(pattern, flags))


class _Late:
    def __init__(self, pattern: str | bytes, flags: int | re.RegexFlag) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        # The pattern's own methods take the place of ours: this is called once for each.
        for one in ("fullmatch", "match", "search", "finditer", "sub"):
            setattr(self, one, getattr(self._compiled(), one))
        return getattr(self._compiled(), name)

    def _compiled(self) -> re.Pattern[Any]:
        return re.compile(self.pattern, self._flags)
