"""How long the difference of two lockfiles takes: 2,000 packages, 12 of them moved.

Both files are read from scratch, resolved against their manifest and compared, as in a process
that never saw them. `base known` leaves out the reading of the older one, as in a server that read
it when it landed. Aim: at most 60 ms.

    python -m bench.lockfile_diff [--packages 2000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterator

from headgate.deps.compare import added, read_file, read_files
from headgate.deps.lockfiles.plain_yaml import row
from headgate.deps.lockfiles.toml_text import read_piece
from headgate.deps.lockfiles.yarn_lock import entries

AIM = 0.060
CHANGED = 12


def _forget() -> None:
    """Nothing is remembered of rounds before."""
    for memo in (read_piece, entries, row):
        memo.cache_clear()


def _sha(text: str, kind: str = "sha256") -> str:
    return hashlib.new(kind, text.encode()).hexdigest()


def _integrity(text: str) -> str:
    return "sha512-" + b64encode(hashlib.sha512(text.encode()).digest()).decode()


def _version(index: int, moved: bool) -> str:
    return f"{index % 9}.{index % 23}.{1 if moved and index % 167 == 5 else 0}"


def _needs(index: int, count: int) -> list[int]:
    return [n for n in (index * 2 + 1, index * 2 + 2) if n < count]


def package_lock(count: int, moved: bool) -> dict[str, str]:
    """npm's lockfile, version 3."""
    packages: dict[str, object] = {"": {"name": "x", "dependencies": {"package-0": "*"}}}
    for i in range(count):
        version = _version(i, moved)
        packages[f"node_modules/package-{i}"] = {
            "version": version,
            "resolved": f"https://registry.npmjs.org/package-{i}/-/package-{i}-{version}.tgz",
            "integrity": _integrity(f"{i}{version}"),
            "license": "MIT",
            "dependencies": {f"package-{n}": "^1.0.0" for n in _needs(i, count)},
            "engines": {"node": ">=18"},
        }
    lock = {"name": "x", "lockfileVersion": 3, "requires": True, "packages": packages}
    return {
        "package.json": '{"dependencies": {"package-0": "*"}}',
        "package-lock.json": json.dumps(lock, indent=2),
    }


def yarn_lock(count: int, moved: bool) -> dict[str, str]:
    """yarn 1."""
    blocks = ["# yarn lockfile v1\n"]
    for i in range(count):
        version = _version(i, moved)
        url = f"https://registry.yarnpkg.com/package-{i}/-/package-{i}-{version}.tgz"
        needs = "".join(f'    package-{n} "^1.0.0"\n' for n in _needs(i, count))
        blocks.append(
            f'package-{i}@^1.0.0:\n  version "{version}"\n  resolved "{url}#{_sha(url, "sha1")}"\n'
            f"  integrity {_integrity(url)}\n" + (f"  dependencies:\n{needs}" if needs else "")
        )
    return {
        "package.json": '{"dependencies": {"package-0": "*"}}',
        "yarn.lock": "\n".join(blocks),
    }


def pnpm_lock(count: int, moved: bool) -> dict[str, str]:
    """pnpm 9."""
    versions = {i: _version(i, moved) for i in range(count)}
    lines = [
        "lockfileVersion: '9.0'", "", "importers:", "", "  .:", "    dependencies:",
        "      package-0:", "        specifier: '*'", f"        version: {versions[0]}", "",
        "packages:", "",
    ]  # fmt: skip
    for i, version in versions.items():
        lines += [
            f"  package-{i}@{version}:",
            f"    resolution: {{integrity: {_integrity(f'{i}{version}')}}}",
            "    engines: {node: '>=18'}",
            "",
        ]
    lines += ["snapshots:", ""]
    for i, version in versions.items():
        needs = _needs(i, count)
        lines.append(f"  package-{i}@{version}:" + ("" if needs else " {}"))
        lines += ["    dependencies:"] if needs else []
        lines += [f"      package-{n}: {versions[n]}" for n in needs]
        lines.append("")
    return {
        "package.json": '{"dependencies": {"package-0": "*"}}',
        "pnpm-lock.yaml": "\n".join(lines) + "\n",
    }


def poetry_lock(count: int, moved: bool) -> dict[str, str]:
    """Poetry 2."""
    blocks: list[str] = []
    for i in range(count):
        version = _version(i, moved)
        names = [f"package_{i}-{version}{end}" for end in ("-py3-none-any.whl", ".tar.gz")]
        files = "".join(f'    {{file = "{n}", hash = "sha256:{_sha(n)}"}},\n' for n in names)
        needs = "".join(f'package-{n} = "*"\n' for n in _needs(i, count))
        blocks.append(
            f'[[package]]\nname = "package-{i}"\nversion = "{version}"\ndescription = "x"\n'
            f'optional = false\npython-versions = ">=3.8"\ngroups = ["main"]\nfiles = [\n{files}]\n'
            + (f"\n[package.dependencies]\n{needs}" if needs else "")
        )
    blocks.append('[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\n')
    return {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["package-0"]\n',
        "poetry.lock": "\n".join(blocks),
    }


def uv_lock(count: int, moved: bool) -> dict[str, str]:
    """uv, with two wheels and a source for each package."""
    blocks = ['version = 1\nrequires-python = ">=3.11"\n']
    blocks.append(
        '[[package]]\nname = "x"\nversion = "1"\nsource = { virtual = "." }\n'
        'dependencies = [\n    { name = "package-0" },\n]\n'
    )
    for i in range(count):
        version = _version(i, moved)
        needs = "".join(f'    {{ name = "package-{n}" }},\n' for n in _needs(i, count))
        base = f"https://files.pythonhosted.org/packages/aa/bb/package_{i}-{version}"
        wheels = "".join(
            f'    {{ url = "{base}-{tag}.whl", hash = "sha256:{_sha(base + tag)}", size = 1 }},\n'
            for tag in ("cp311-cp311-manylinux_2_17_x86_64", "py3-none-any")
        )
        blocks.append(
            f'[[package]]\nname = "package-{i}"\nversion = "{version}"\n'
            'source = { registry = "https://pypi.org/simple" }\n'
            + (f"dependencies = [\n{needs}]\n" if needs else "")
            + f'sdist = {{ url = "{base}.tar.gz", hash = "sha256:{_sha(base)}", size = 1 }}\n'
            f"wheels = [\n{wheels}]\n"
        )
    return {
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["package-0"]\n',
        "uv.lock": "\n".join(blocks),
    }


def cargo_lock(count: int, moved: bool) -> dict[str, str]:
    """Cargo."""
    index = "registry+https://github.com/rust-lang/crates.io-index"
    blocks = [
        "version = 4\n",
        '[[package]]\nname = "x"\nversion = "1"\ndependencies = ["package-0"]\n',
    ]
    for i in range(count):
        version = _version(i, moved)
        needs = "".join(f' "package-{n}",\n' for n in _needs(i, count))
        blocks.append(
            f'[[package]]\nname = "package-{i}"\nversion = "{version}"\nsource = "{index}"\n'
            f'checksum = "{_sha(f"{i}{version}")}"\n'
            + (f"dependencies = [\n{needs}]\n" if needs else "")
        )
    return {"Cargo.toml": '[dependencies]\npackage-0 = "*"\n', "Cargo.lock": "\n".join(blocks)}


FORMATS: dict[str, Callable[[int, bool], dict[str, str]]] = {
    "package-lock.json": package_lock,
    "yarn.lock": yarn_lock,
    "pnpm-lock.yaml": pnpm_lock,
    "poetry.lock": poetry_lock,
    "uv.lock": uv_lock,
    "Cargo.lock": cargo_lock,
}


def measure(name: str, count: int, rounds: int) -> Iterator[str]:
    """Lines about one format."""
    old = {path: text.encode() for path, text in FORMATS[name](count, False).items()}
    new = {path: text.encode() for path, text in FORMATS[name](count, True).items()}
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(rounds):
        _forget()
        began = time.process_time()
        before = {path: read_file(path, data) for path, data in old.items()}
        between = time.process_time()
        after = {path: read_file(path, data) for path, data in new.items()}
        found = added(read_files(before), read_files(after)).difference
        cold.append(time.process_time() - began)
        warm.append(time.process_time() - between)
    assert len(found.moves) == CHANGED * count // 2000, len(found.moves)
    whole, known = statistics.median(cold), statistics.median(warm)
    size = len(new[name]) / 1e6
    yield (
        f"{name:18} {size:5.2f} MB  both {whole * 1000:6.1f} ms  base known {known * 1000:6.1f} ms"
        f"  {'ok' if whole <= AIM else 'base known ok' if known <= AIM else 'OVER'}"
    )


def main() -> None:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for name in FORMATS:
        for line in measure(name, given.packages, given.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
