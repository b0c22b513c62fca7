"""The dependencies that a change adds, in real repositories, against a real index."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from deps_index_server import Index, Reply

from headgate.deps.change import check_dependencies, examine_dependencies
from headgate.deps.index.interface import PackageIndex
from headgate.deps.index.npm import NpmIndex
from headgate.deps.index.pypi import PypiIndex
from headgate.deps.policy.danger import Advisory, Known, Matched
from headgate.deps.tree import check_tree
from headgate.model.dependency_policy import (
    DependencyPolicy,
    PolicyException,
    Registry,
    VulnerabilityRules,
)
from headgate.model.finding import CheckResult, Outcome, Severity
from headgate.model.ids import Commit
from headgate.model.origin import Grade, Origin, OriginKind
from headgate.model.purl import Package
from headgate.vcs.repository import Repository

HUMAN = Origin(OriginKind.HUMAN, Grade.C)
AI = Origin(OriginKind.AI, Grade.B)
POLICY = DependencyPolicy(approved={"pypi": ("markupsafe", "jinja2"), "npm": ("left-pad",)})


class Work:
    """A project whose commits are made of files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git("init", "-q", "-b", "main")

    def _git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def commit(self, files: Mapping[str, str | None]) -> Commit:
        """Write files (None removes one) and commit everything."""
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "x")
        return Commit(self._git("rev-parse", "HEAD"))

    async def check(
        self,
        base: Commit,
        head: Commit,
        origin: Origin = HUMAN,
        policy: DependencyPolicy = POLICY,
        agent: bool = False,
        index: Index | None = None,
        exclude: tuple[str, ...] = (),
    ) -> CheckResult:
        indexes: dict[str, PackageIndex] = {}
        if index is not None:
            indexes["pypi"] = PypiIndex(f"{index.address}/simple", 2)
            indexes["npm"] = NpmIndex(index.address, 2)
        return await check_dependencies(
            Repository(self.path / ".git"),
            base,
            head,
            policy=policy,
            origin=origin,
            agent=agent,
            index=indexes,
            exclude=exclude,
        )


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def told(result: CheckResult) -> list[tuple[str, str, int, Severity]]:
    return [(f.rule, f.span.path, f.span.line, f.severity) for f in result.findings]


async def test_a_change_without_dependencies_passes(work: Work) -> None:
    base = work.commit({"a.py": "1", "requirements.txt": "never-approved\n"})
    head = work.commit({"a.py": "2"})
    assert await work.check(base, head, AI, agent=True) == CheckResult(
        "dependencies", Outcome.PASSED
    )


async def test_an_agent_adds_what_nobody_approved(work: Work) -> None:
    base = work.commit({"requirements.txt": "jinja2\n"})
    head = work.commit({"requirements.txt": "jinja2\nMarkupSafe\nmarkupsaef>=1\n"})
    result = await work.check(base, head, AI, agent=True)
    assert result.outcome is Outcome.FAILED
    assert told(result) == [
        ("dependency/similar-name", "requirements.txt", 3, Severity.HIGH),
        ("dependency/unapproved", "requirements.txt", 3, Severity.HIGH),
    ]
    assert "resembles the popular `markupsafe`" in result.findings[0].message
    assert "`markupsaef` is new here and not approved" in result.findings[1].message
    assert "Did you mean `markupsafe`, which is approved?" in result.findings[1].remedy


@pytest.mark.parametrize(
    ("origin", "agent", "severity"),
    [
        (HUMAN, False, Severity.LOW),
        (HUMAN, True, Severity.HIGH),
        (AI, False, Severity.HIGH),
        (Origin(OriginKind.UNKNOWN), False, Severity.HIGH),
        (Origin(OriginKind.AUTOMATION, Grade.B), False, Severity.LOW),
    ],
)
async def test_who_wrote_it_decides_how_bad_it_is(
    work: Work, origin: Origin, agent: bool, severity: Severity
) -> None:
    base = work.commit({"README": ""})
    head = work.commit({"package.json": '{"dependencies": {"right-pad": "1"}}'})
    result = await work.check(base, head, origin, agent=agent)
    assert told(result) == [("dependency/unapproved", "package.json", 1, severity)]


async def test_the_policy_may_be_strict_with_humans(work: Work) -> None:
    base = work.commit({"README": ""})
    head = work.commit({"requirements.txt": "x1\n"})
    strict = DependencyPolicy(humans="deny", agents="warn")
    assert (await work.check(base, head, HUMAN, strict)).findings[0].severity is Severity.HIGH
    assert (await work.check(base, head, AI, strict)).findings[0].severity is Severity.LOW


async def test_a_package_that_does_not_exist(work: Work, index: Index) -> None:
    index.has("real-one")
    base = work.commit({"requirements.txt": ""})
    head = work.commit({"requirements.txt": "real-one\ninvented-one\nmarkupsafe\n"})
    result = await work.check(base, head, HUMAN, index=index)
    assert result.outcome is Outcome.FAILED
    assert told(result) == [
        ("dependency/install-script", "requirements.txt", 1, Severity.LOW),
        ("dependency/unapproved", "requirements.txt", 1, Severity.LOW),
        ("dependency/does-not-exist", "requirements.txt", 2, Severity.HIGH),
    ]
    assert f"does not exist in the index {index.address}/simple" in result.findings[2].message
    # What is approved is not asked for: names of one's own do not leave the house.
    assert "/simple/markupsafe/" not in index.asked


async def test_an_index_that_does_not_answer_is_never_clean(work: Work, index: Index) -> None:
    index.says("/simple/some-package/", Reply(500))
    base = work.commit({"requirements.txt": ""})
    head = work.commit({"requirements.txt": "some-package\n"})
    result = await work.check(base, head, HUMAN, index=index)
    assert result.outcome is Outcome.UNKNOWN
    assert "`some-package`" in result.reason
    assert "answered 500" in result.reason
    assert [f.rule for f in result.findings] == ["dependency/unapproved"]


async def test_moving_a_dependency_adds_nothing(work: Work) -> None:
    base = work.commit({"requirements.txt": "never-approved==1\n"})
    head = work.commit(
        {
            "requirements.txt": None,
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["Never_Approved>=2"]\n',
        }
    )
    assert (await work.check(base, head, AI)).outcome is Outcome.PASSED


async def test_what_is_included_counts(work: Work) -> None:
    base = work.commit({"requirements.txt": "-r deps/base.list\n", "deps/base.list": "jinja2\n"})
    head = work.commit({"deps/base.list": "jinja2\n-r more.list\n", "deps/more.list": "hidden\n"})
    result = await work.check(base, head, AI)
    assert told(result) == [("dependency/unapproved", "deps/more.list", 1, Severity.HIGH)]


async def test_files_that_include_each_other_are_told(work: Work) -> None:
    base = work.commit({"README": ""})
    head = work.commit({"requirements.txt": "-r a.list\n", "a.list": "-r requirements.txt\njinja2"})
    result = await work.check(base, head, AI)
    assert result.outcome is Outcome.FAILED
    assert [one[1:3] for one in told(result)] == [("a.list", 1), ("requirements.txt", 1)]
    assert "leads in a circle" in result.findings[0].message


async def test_an_included_file_that_is_not_there(work: Work) -> None:
    base = work.commit({"README": ""})
    head = work.commit({"requirements.txt": "jinja2\n-r later.list\n"})
    result = await work.check(base, head, AI)
    assert told(result) == [("dependency/unreadable", "requirements.txt", 2, Severity.HIGH)]
    assert "`later.list` is included and not there" in result.findings[0].message


async def test_a_manifest_behind_a_symlink(work: Work) -> None:
    base = work.commit({"README": ""})
    (work.path / "requirements.txt").symlink_to("real.list")
    (work.path / "requirements-out.txt").symlink_to("/etc/hostname")
    head = work.commit({"real.list": "hidden\n"})
    result = await work.check(base, head, AI)
    assert told(result) == [
        ("dependency/unreadable", "requirements-out.txt", 1, Severity.HIGH),
        ("dependency/unapproved", "requirements.txt", 1, Severity.HIGH),
    ]


async def test_a_manifest_that_cannot_be_read_is_told_once(work: Work) -> None:
    base = work.commit({"package.json": "{"})
    same = work.commit({"README": "x"})
    assert (await work.check(base, same, AI)).outcome is Outcome.PASSED
    head = work.commit({"sub/package.json": "{", "requirements.txt": "x" * (5 << 20)})
    result = await work.check(same, head, AI)
    assert [(f.rule, f.span.path) for f in result.findings] == [
        ("dependency/unreadable", "requirements.txt"),
        ("dependency/unreadable", "sub/package.json"),
    ]
    assert "larger than 4 MB" in result.findings[0].message


async def test_past_the_index(work: Work) -> None:
    secret = "user:" + "hunter2"
    base = work.commit({"requirements.txt": "jinja2\n"})
    head = work.commit(
        {
            "requirements.txt": "jinja2 @ https://files.example/jinja2.whl\n"
            f"--extra-index-url https://{secret}@index.example/simple\n"
        }
    )
    result = await work.check(base, head, AI)
    assert told(result) == [
        ("dependency/direct-source", "requirements.txt", 1, Severity.HIGH),
        ("dependency/other-index", "requirements.txt", 2, Severity.HIGH),
    ]
    assert "files.example" in result.findings[0].message
    assert "hunter2" not in "".join(f.message + f.excerpt for f in result.findings)


class Alarmed:
    """Advisories that know one vulnerability, of everything."""

    def match(self, packages: Sequence[Package]) -> Mapping[Package, Matched]:
        found = Advisory("CVE-1", severity=Severity.HIGH)
        return dict.fromkeys(packages, Matched(Known.AFFECTED, (found,)))


@pytest.mark.parametrize(("threshold", "lines"), [(None, [2]), (Severity.HIGH, [1, 2])])
async def test_only_what_a_change_brings_is_judged_unless_the_policy_wants_more(
    work: Work, threshold: Severity | None, lines: list[int]
) -> None:
    base = work.commit({"requirements.txt": "old==1\n"})
    head = work.commit({"requirements.txt": "old==1\nnew==1\n"})
    policy = DependencyPolicy(
        approved={"pypi": ("new",)}, vulnerabilities=VulnerabilityRules(existing=threshold)
    )
    judged = await examine_dependencies(
        Repository(work.path / ".git"),
        base,
        head,
        policy=policy,
        origin=HUMAN,
        agent=False,
        index={},
        advisories=Alarmed(),
    )
    found = [(f.rule, f.span.line) for f in judged.result.findings]
    assert found == [("dependency/vulnerable", line) for line in lines]


class Silent:
    """Advisories that know nothing."""

    def match(self, packages: Sequence[Package]) -> Mapping[Package, Matched]:
        return dict.fromkeys(packages, Matched(Known.UNKNOWN, reason="there is no database"))


@pytest.mark.parametrize(("count", "findings"), [(3, 3), (9, 1)])
async def test_what_is_unknown_for_one_cause_is_told_once(
    work: Work, count: int, findings: int
) -> None:
    names = [f"own-thing-{number}" for number in range(count)]
    base = work.commit({"README": ""})
    head = work.commit({"requirements.txt": "".join(f"{name}==1\n" for name in names)})
    judged = await examine_dependencies(
        Repository(work.path / ".git"),
        base,
        head,
        policy=DependencyPolicy(approved={"pypi": tuple(names)}),
        origin=HUMAN,
        agent=False,
        index={},
        advisories=Silent(),
    )
    assert len(judged.result.findings) == findings
    assert judged.result.outcome is Outcome.FAILED
    assert all("there is no database" in f.message for f in judged.result.findings)


async def test_an_exception_for_a_source(work: Work) -> None:
    exception = PolicyException(
        Package("pypi", "tool"), "ada", "-", ("bea",), 0.0, 4e9, rules=("direct-source",)
    )
    base = work.commit({"README": ""})
    head = work.commit({"requirements.txt": "tool @ https://files.example/tool.whl\n"})
    policy = DependencyPolicy(exceptions=(exception,))
    assert (await work.check(base, head, HUMAN, policy)).outcome is Outcome.PASSED
    assert (await work.check(base, head, HUMAN)).outcome is Outcome.FAILED


async def test_ones_own_package_locked_from_elsewhere(work: Work) -> None:
    registry = Registry("internal", "npm", "https://npm.example", ("@acme/*",))
    address = "https://registry.npmjs.org/@acme/lib/-/lib-1.0.0.tgz"
    packages = {"node_modules/@acme/lib": {"version": "1.0.0", "resolved": address}}
    base = work.commit({"README": ""})
    text = json.dumps({"name": "a", "lockfileVersion": 3, "packages": packages}, indent=1)
    head = work.commit({"package-lock.json": text})
    result = await work.check(base, head, HUMAN, DependencyPolicy(registries=(registry,)))
    assert [(f.rule, f.severity) for f in result.findings] == [
        ("dependency/confusion", Severity.HIGH)
    ]


async def test_test_data_can_be_left_out(work: Work) -> None:
    base = work.commit({"README": ""})
    head = work.commit({"tests/fixtures/package.json": "{"})
    result = await work.check(base, head, AI, exclude=("tests/fixtures/**",))
    assert result.outcome is Outcome.PASSED


def test_without_a_server_new_packages_are_only_named() -> None:
    before = {"requirements.txt": b"jinja2\n"}
    after = {"requirements.txt": b"jinja2\nnew-one\n", "README.md": b"\xff"}
    result = check_tree(after, before)
    assert result.outcome is Outcome.PASSED
    assert "new-one (pypi)" in result.reason
    judged = check_tree(after, before, POLICY)
    assert [f.rule for f in judged.findings] == ["dependency/unapproved"]
    past = check_tree({"requirements.txt": b"git+https://git.example/x.git\n"}, before)
    assert [(f.rule, f.severity) for f in past.findings] == [
        ("dependency/direct-source", Severity.MEDIUM)
    ]
