"""Names of one's own: from one's own registry, or not at all."""

from __future__ import annotations

import json

import pytest

from headgate.deps.compare import added, read_files
from headgate.deps.confusion import index_findings, misplaced
from headgate.deps.evidence import MOST_ASKED, Sources, gather
from headgate.deps.index.interface import Answer, Existence, PackageFacts
from headgate.model.dependency_policy import DependencyPolicy, Registry, SourceRules
from headgate.model.finding import Severity
from headgate.model.purl import Package

HOME = "https://npm.example"
POLICY = DependencyPolicy(
    index={"npm": "https://registry.npmjs.org", "pypi": "https://mirror.example/simple"},
    registries=(
        Registry("internal", "npm", HOME, ("@acme/*",)),
        Registry("python", "pypi", "https://pypi.example/simple", ("acme-*",)),
    ),
    sources=SourceRules(registries=("cache.example",)),
)


def lock(*resolved: tuple[str, str]) -> dict[str, bytes]:
    packages = {
        f"node_modules/{name}": {"version": "1.0.0", "resolved": address}
        for name, address in resolved
    }
    text = json.dumps({"name": "app", "lockfileVersion": 3, "packages": packages})
    return {"package-lock.json": text.encode()}


def told(files: dict[str, bytes]) -> list[str]:
    after = read_files(files)
    new = added(read_files({}), after)
    settings = {path: parsed.indexes for path, parsed in after.parsed.items()}
    found = [
        *index_findings(new, POLICY, Severity.HIGH),
        *misplaced(new, POLICY, settings),
    ]
    return [f.rule.removeprefix("dependency/") for f in found]


@pytest.mark.parametrize(
    ("address", "rules"),
    [
        (f"{HOME}/@acme/lib/-/lib-1.0.0.tgz", []),
        ("https://registry.npmjs.org/@acme/lib/-/lib-1.0.0.tgz", ["confusion"]),
        ("https://cache.example/@acme/lib/-/lib-1.0.0.tgz", ["confusion"]),
        ("https://evil.example/@acme/lib/-/lib-1.0.0.tgz", ["other-index", "confusion"]),
        (f"{HOME}.evil.example/@acme/lib/-/lib-1.0.0.tgz", ["other-index", "confusion"]),
    ],
)
def test_a_lockfile_takes_ones_own_from_home(address: str, rules: list[str]) -> None:
    assert told(lock(("@acme/lib", address))) == rules


def test_other_packages_may_come_from_where_the_policy_says() -> None:
    assert told(lock(("lodash", f"{HOME}/lodash/-/lodash-1.0.0.tgz"))) == []
    assert told(lock(("lodash", "https://cache.example/lodash/-/lodash-1.0.0.tgz"))) == []
    assert told(lock(("lodash", "https://evil.example/lodash/-/lodash-1.0.0.tgz"))) == [
        "other-index"
    ]


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("--index-url https://mirror.example/simple", []),
        ("--index-url https://user:" + "pass@pypi.example/simple/", []),
        ("--extra-index-url https://pypi.example/simple", ["confusion"]),
        ("--extra-index-url https://other.example/simple", ["other-index"]),
        ("--index-url https://mirror.example.evil/simple", ["other-index"]),
        ("--trusted-host mirror.example", ["other-index"]),
    ],
)
def test_lines_that_name_an_index(line: str, rules: list[str]) -> None:
    assert told({"requirements.txt": f"{line}\nx==1\n".encode()}) == rules


class Asked:
    """An index that only notes what it is asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.names: list[str] = []

    async def look_up(self, names: object) -> dict[str, Answer]:
        raise AssertionError(names)

    async def facts(self, names: list[str]) -> dict[str, PackageFacts]:
        self.names += names
        return {n: PackageFacts(n, Existence.EXISTS, address=self.address) for n in names}


async def test_ones_own_names_do_not_leave_the_house() -> None:
    public, own = Asked("https://registry.npmjs.org"), Asked(HOME)
    packages = [Package("npm", "@acme/lib", "1.0.0"), Package("npm", "lodash", "1.0.0")]
    sources = Sources({"npm": public}, {"internal": own})
    found = await gather(packages, POLICY, sources, project="shop")
    assert (public.names, own.names) == (["lodash"], ["@acme/lib"])
    assert found.left_out == 0
    # A registry that cannot be asked is a doubt, and no reason to ask the public.
    found = await gather(packages, POLICY, Sources({"npm": public}), project="shop")
    facts = found.evidence[packages[0]].facts
    assert facts is not None
    assert facts.existence is Existence.UNKNOWN
    many = [Package("npm", f"x{i}", "1.0.0") for i in range(MOST_ASKED + 5)]
    assert (await gather(many, POLICY, sources, project="shop")).left_out == 5
