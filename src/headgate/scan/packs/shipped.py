"""The packs and kinds that Headgate ships, read once for all runs.

To read and check the YAML takes as long as the rest of a scan of one file. What came of it is kept
in the user's cache, by when the packs and the code that reads them were written.
"""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headgate.model import finding, record
from headgate.model.errors import BadInput
from headgate.scan.kept import keep, take, tidy
from headgate.scan.packs import schema
from headgate.scan.rules.shipped import KEPT, rule_cache, written

if TYPE_CHECKING:
    from headgate.scan.packs.schema import KindName, Kinds, Pack

T = TypeVar("T")
_FOLDER = Path(__file__).parent
_DATA = _FOLDER / "data"


@functools.cache
def shipped_kinds() -> Kinds:
    """The kinds that Headgate ships."""

    def read_all() -> Kinds:
        from headgate.scan.packs.load import parse_kinds

        return parse_kinds((_DATA / "kinds.yaml").read_bytes(), "kinds.yaml")

    return _kept("kinds", read_all)


@functools.cache
def remedies(language: str) -> Mapping[KindName, str]:
    """How kinds are mended in a language, where that is not what `kinds.yaml` says."""
    file = f"remedies_{language}.yaml"
    place = _DATA / file

    def read_all() -> dict[KindName, str]:
        from headgate.scan.packs.reading import read

        table = read(place.read_bytes(), file)
        return {schema.KindName(name): table.text(name) for name in table.values}

    return _kept(f"remedies-{language}", read_all) if place.is_file() else {}


@functools.cache
def shipped(language: str) -> tuple[Pack, ...]:
    """The packs that Headgate ships for a language, by name."""

    def read_all() -> tuple[Pack, ...]:
        from headgate.scan.packs.load import parse_pack

        return tuple(
            parse_pack(one.read_bytes(), f"{language}/{one.name}", shipped_kinds())
            for one in sorted((_DATA / language).glob("*.yaml"))
        )

    return _kept(f"packs-{language}", read_all)


def packs_with(own: Sequence[Pack], language: str) -> tuple[Pack, ...]:
    """The packs that Headgate ships for a language, and these; one of the same name takes the
    place of the shipped one."""
    mine = [pack for pack in own if pack.language == language]
    names = {pack.name for pack in mine}
    return (*(pack for pack in shipped(language) if pack.name not in names), *mine)


def kinds_with(own: Sequence[Pack]) -> Kinds:
    """The kinds that Headgate ships, and those of the rules in these packs. Raises BadInput when
    two packs have rules of one name."""
    if not any(pack.kinds for pack in own):
        return shipped_kinds()
    out = dict(shipped_kinds())
    where: dict[tuple[KindName, str], str] = {}
    for pack in own:
        for name, kind in pack.kinds.items():
            other = where.setdefault((name, pack.language), pack.path)
            if other != pack.path:
                raise BadInput(
                    f"{pack.path}: rules: there is a rule {name!r} in {other}, too.",
                    "Give one of them another name.",
                )
            out[name] = kind
    return out


# Between runs


def _kept(name: str, read_all: Callable[[], T]) -> T:
    place = _place(name)
    data = take(place) if place is not None else None
    if data is not None:
        try:
            return _Plain(io.BytesIO(data)).load()
        except Exception:
            # Whatever is wrong with what was kept, the packs themselves are at hand: read them.
            pass
    found = read_all()
    if place is not None:
        keep(place, pickle.dumps(found, 5))
        tidy(place.parent, KEPT)
    return found


class _Plain(pickle.Unpickler):
    """Makes values of packs, and nothing else, of what was kept."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        for module in (schema, finding):
            if module_name == module.__name__ and global_name in _CLASSES:
                return getattr(module, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not of a pack")


_CLASSES = frozenset(
    {
        "Absence", "Condition", "Confidence", "Entry", "Example", "Guard", "Kind", "Literal",
        "Model", "Pack", "Propagator", "Requirement", "Sanitizer", "Selector", "Severity", "Sink",
        "Source",
    }
)  # fmt: skip


@functools.cache
def _version() -> str:
    """Of what is read, and of what reads it."""
    readers = (*_files(_FOLDER, ".py"), Path(finding.__file__), Path(record.__file__))
    languages = (place for place in _DATA.iterdir() if place.is_dir())
    data = [one for folder in (_DATA, *sorted(languages)) for one in _files(folder, ".yaml")]
    return written((*readers, *data))


def _files(folder: Path, ending: str) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.name.endswith(ending))


def _place(name: str) -> Path | None:
    try:
        return rule_cache() / f"{name}-{_version()}"
    except (OSError, RuntimeError):
        return None
