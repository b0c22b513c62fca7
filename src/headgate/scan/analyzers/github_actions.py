"""GitHub Actions: workflows and composite actions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headgate.model.finding import Confidence, Severity, Span
from headgate.model.record import record, replace
from headgate.scan.analyzers.interface import Analysis, SourceFile
from headgate.scan.infra.shell import Runs, judge_shell
from headgate.scan.infra.telling import LEAST, Teller, Unreadable, scan_each
from headgate.scan.infra.workflow import (
    EXPRESSION,
    PRIVILEGED,
    PULL,
    Job,
    Step,
    environment,
    is_head,
    jobs,
    outsiders,
    triggers,
)
from headgate.scan.infra.yaml_nodes import (
    Map,
    Node,
    Scalar,
    at,
    each,
    read_yaml,
    text_at,
    truth_at,
)
from headgate.scan.late import late

_WORKFLOW = late(r"(^|/)\.(github|gitea|forgejo)/workflows/[^/]+\.ya?ml$")
_ACTION = late(r"(^|/)action\.ya?ml$")
_SCRIPTS = {"actions/github-script": "script", "azure/powershell": "inlinescript"}
"""Actions that run an input as code."""
_OWN = ("actions/", "github/", "./", "../")
_SHA = late(r"[0-9a-f]{40}([0-9a-f]{24})?")
_RELEASE = late(r"v?\d+(\.\d+)*([-.+]\w+)*|release[-/].*")
_SAME_REPOSITORY = late(
    r"head\.repo\.full_name\s*==\s*github\.repository|"
    r"github\.repository\s*==\s*github\.event\.pull_request\.head\.repo\.full_name|"
    r"head\.repo\.fork\s*(==\s*false|!=\s*true)|!\s*github\.event\.pull_request\.head\.repo\.fork|"
    r"head_repository\.full_name\s*==\s*github\.repository|"
    r"github\.event\.label\.name\s*==|pull_request\.labels|"
    r"author_association|github\.event\.workflow_run\.event\s*==\s*'(push|schedule)'|"
    r"github\.event\.workflow_run\.head_branch\s*==\s*'(main|master)'|"
    r"github\.event\.pull_request\.merged\s*(==\s*true)?"
)
"""Conditions under which the code of a proposal is not just anybody's."""
_BOT = late(r"github\.(actor|triggering_actor)\s*==\s*'[\w-]+\[bot\]'")
_BUILDS = late(
    r"\b(npm|yarn|pnpm|npx|pip|uv|poetry|tox|nox|make|cmake|cargo|go|mvn|gradle|bundle|rake|"
    r"composer|pytest|python\d?|node|ruby|bazel|dotnet|hatch|pre-commit|just|docker)\b|"
    r"(^|\s)(\./|(ba)?sh\s+\S)",
    re.MULTILINE,
)
_TO_ENVIRONMENT = late(r">>\s*\"?\$\{?(GITHUB_ENV|GITHUB_PATH)\b")
_PUBLISHES = late(
    r"pypa/gh-action-pypi-publish|softprops/action-gh-release|goreleaser|docker/build-push-action|"
    r"npm publish|twine upload|cargo publish|gem push|uv publish|poetry publish"
)


@record
class GitHubActions:
    """Judges workflows and composite actions: what outsiders can make them do."""

    least: Severity = LEAST

    name = "github-actions"
    check = "source"

    def wants(self, path: str, start: bytes) -> bool:
        return bool(_WORKFLOW.search(path) or _ACTION.search(path))

    def scan(self, files: Sequence[SourceFile]) -> Analysis:
        return scan_each(files, "github_actions", _judge, self.least)


def _judge(text: str, teller: Teller) -> None:
    if "runs:" not in text and "jobs:" not in text:
        return
    documents = read_yaml(text)
    if not documents or not isinstance(documents[0], Map):
        raise Unreadable("no workflow: its first document is no mapping")
    root = documents[0]
    if _ACTION.search(teller.path) and root.get("runs") is not None:
        steps = [Step(one) for one in each(at(root, "runs", "steps")) if isinstance(one, Map)]
        for step in steps:
            _Steps(teller, frozenset({"workflow_call"}), {}).judge(step)
        return
    _workflow(root, teller)


def _workflow(root: Map, teller: Teller) -> None:
    events = frozenset(triggers(root))
    _permissions(root.get("permissions"), events, teller)
    for job in jobs(root):
        _permissions(job.node.get("permissions"), events, teller)
        variables = environment(root, job.node)
        for step in job.steps:
            _Steps(teller, events, variables).judge(step)
        _checkout(root, job, events, teller)
        _bot(job.node, events, teller)
        _cache(job, root, events, teller)
        _artifacts(job, teller)
        secrets = job.node.get("secrets")
        if isinstance(secrets, Scalar) and secrets.value == "inherit":
            uses = text_at(job.node, "uses")
            outside = bool(uses) and not uses.startswith("./")
            level = Severity.MEDIUM if outside and not _pinned(uses) else Severity.INFO
            teller.say("inherited-secrets", secrets.span, severity=level)
    for node in (root, *(job.node for job in jobs(root))):
        value = at(node, "env", "ACTIONS_ALLOW_UNSECURE_COMMANDS")
        if isinstance(value, Scalar) and value.truth:
            teller.say("unsecure-commands", value.span)


@record
class _Steps:
    teller: Teller
    events: frozenset[str]
    variables: dict[str, str]

    def judge(self, step: Step) -> None:
        variables = {**self.variables, **environment(step.node)}
        if step.run:
            self._code(step.run, variables)
            self._environment_file(step.run, variables)
            plain = EXPRESSION.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), step.run.value)
            if text_at(step.node, "shell") in ("", "bash", "sh"):
                judge_shell(plain, self.teller, step.run.place, Runs.BUILD)
        given = _SCRIPTS.get(step.action)
        if given and (script := step.given(given)):
            self._code(script, variables)
        if step.uses:
            self._pinning(step.uses)
        value = at(step.node, "env", "ACTIONS_ALLOW_UNSECURE_COMMANDS")
        if isinstance(value, Scalar) and value.truth:
            self.teller.say("unsecure-commands", value.span)

    def _code(self, code: Scalar, variables: dict[str, str]) -> None:
        for match in EXPRESSION.finditer(code.value):
            source = outsiders(match[1])
            named = re.fullmatch(r"\s*env\.(\w+)\s*", match[1])
            if not source and named:
                source = next(
                    (
                        found
                        for one in EXPRESSION.findall(variables.get(named[1], ""))
                        if (found := outsiders(one))
                    ),
                    "",
                )
            span = _place(code, match.start(), match.end())
            if source:
                self._injection(span, source)
            elif re.search(r"\btojson\(\s*secrets\s*\)", match[1], re.IGNORECASE):
                self.teller.say("all-secrets", span)
            elif re.fullmatch(r"\s*(github\.event\.)?inputs\.[\w-]+\s*", match[1]):
                self.teller.say("input-in-script", span)

    def _injection(self, span: Span, source: str) -> None:
        if self.events & PRIVILEGED or "workflow_call" in self.events:
            severity = Severity.HIGH
        elif self.events & PULL or not self.events & {"push", "workflow_dispatch", "schedule"}:
            severity = Severity.MEDIUM
        elif "head_ref" in source or "pull_request" in source:
            # Empty in the events of this workflow.
            severity = Severity.LOW
        else:
            severity = Severity.MEDIUM
        self.teller.say("script-injection", span, f"It is `{source}`.", severity=severity)

    def _environment_file(self, run: Scalar, variables: dict[str, str]) -> None:
        tainted = {
            name
            for name, value in variables.items()
            if any(outsiders(one) for one in EXPRESSION.findall(value))
        }
        tainted.add("GITHUB_HEAD_REF")
        for row, line in enumerate(run.value.split("\n")):
            if not _TO_ENVIRONMENT.search(line):
                continue
            names = {one or other for one, other in re.findall(r"\$(?:\{(\w+)\}|(\w+))", line)}
            if names & tainted:
                at_line, column = run.place(row, len(line) - len(line.lstrip()))
                end = run.place(row, len(line))
                severity = Severity.HIGH if self.events & PRIVILEGED else Severity.MEDIUM
                span = Span("", at_line, column, *end)
                self.teller.say("environment-file", span, severity=severity)

    def _pinning(self, uses: Scalar) -> None:
        action, _, ref = uses.value.partition("@")
        if action.startswith("docker://"):
            if "@sha256:" not in uses.value and not re.search(r":[\w.-]*\d", action[9:]):
                self.teller.say("unpinned-image", uses.span)
            return
        if action.startswith(_OWN) or not ref or "${{" in uses.value:
            return
        if _SHA.fullmatch(ref):
            return
        if _RELEASE.fullmatch(ref):
            self.teller.say("unpinned-tag", uses.span)
        else:
            self.teller.say("unpinned-branch", uses.span, f"`{ref}` is a branch.")


def _pinned(uses: str) -> bool:
    return bool(_SHA.fullmatch(uses.partition("@")[2]))


def _place(scalar: Scalar, start: int, end: int) -> Span:
    """The span of a part of a scalar's value."""
    before = scalar.value[:start]
    row = before.count("\n")
    column = start - (before.rfind("\n") + 1)
    line, first = scalar.place(row, column)
    last = scalar.place(row, column + end - start)
    return Span("", line, first, *last)


def _permissions(node: Node | None, events: frozenset[str], teller: Teller) -> None:
    if isinstance(node, Scalar) and node.value == "write-all":
        outside = bool(events & PRIVILEGED)
        teller.say("write-all", node.span, severity=Severity.MEDIUM if outside else Severity.LOW)


def _checkout(root: Map, job: Job, events: frozenset[str], teller: Teller) -> None:
    """The code of a proposal, run with the rights of the repository."""
    dangerous = events & {"pull_request_target", "workflow_run", "issue_comment"}
    if not dangerous or _SAME_REPOSITORY.search(job.condition):
        return
    steps = job.steps
    for index, step in enumerate(steps):
        place = _checks_out_head(step)
        if place is None or _SAME_REPOSITORY.search(step.condition):
            continue
        after = steps[index + 1 :]
        runs = next((one for one in after if _executes(one)), None)
        # An environment may ask a human first; whether it does is not written here.
        sure = Confidence.MEDIUM if job.node.get("environment") is not None else None
        if runs is not None:
            where = (runs.run or runs.uses or job.name).line
            more = f"It runs on line {where}."
            teller.say("untrusted-checkout", place.span, more, confidence=sure)
        elif truth_at(step.node, "with", "persist-credentials") is not False and after:
            teller.say(
                "untrusted-checkout", place.span, severity=Severity.MEDIUM,
                confidence=Confidence.MEDIUM,
            )  # fmt: skip


def _checks_out_head(step: Step) -> Scalar | None:
    if step.action == "actions/checkout":
        for name in ("ref", "repository"):
            given = step.given(name)
            if given and is_head(given.value):
                return given
    run = step.run
    if run and re.search(
        r"\bgh pr checkout\b|git (fetch|pull|checkout|clone)\b[^\n]*"
        r"(refs/pull|pull/\S*/(head|merge)|head_ref|HEAD_REF|head\.sha|head\.ref)",
        run.value,
    ):
        return run
    return None


def _executes(step: Step) -> bool:
    """Whether the step runs what a checkout brought along."""
    if step.run:
        return bool(_BUILDS.search(EXPRESSION.sub("x", step.run.value)))
    return step.action.startswith("./") or step.action in (
        "docker/build-push-action", "pre-commit/action", "golangci/golangci-lint-action",
    )  # fmt: skip


def _bot(node: Map, events: frozenset[str], teller: Teller) -> None:
    if not events & {"pull_request_target", "workflow_run", "issue_comment"}:
        return
    for one in (node, *(step.node for step in Job(Scalar("", "", 1, 1, 1, 1), node).steps)):
        condition = one.get("if")
        if isinstance(condition, Scalar) and (found := _BOT.search(condition.value)):
            teller.say("spoofable-bot", _place(condition, found.start(), found.end()))


def _cache(job: Job, root: Map, events: frozenset[str], teller: Teller) -> None:
    """A cache that any branch can fill, read by a job that publishes."""
    narrowed = triggers(root).get("push")
    tags = isinstance(narrowed, Map) and narrowed.get("tags") is not None
    if not (tags or "release" in events):
        return
    steps = job.steps
    if not any(
        _PUBLISHES.search(text) for step in steps for text in (step.action, _run_text(step))
    ):
        return
    for step in steps:
        given = step.given("cache") or step.given("enable-cache")
        if step.action == "actions/cache" or (given and given.truth is not False and given.value):
            place = step.uses or job.name
            teller.say("cache-poisoning", place.span)


def _run_text(step: Step) -> str:
    return step.run.value if step.run else ""


def _artifacts(job: Job, teller: Teller) -> None:
    """The whole work tree, with the token that the checkout left in it, as an artifact."""
    steps = job.steps
    keeps = [
        step
        for step in steps
        if step.action == "actions/checkout"
        and truth_at(step.node, "with", "persist-credentials") is not False
    ]
    if not keeps:
        return
    for step in steps:
        path = step.given("path")
        if step.action == "actions/upload-artifact" and path:
            hidden = truth_at(step.node, "with", "include-hidden-files")
            version = step.uses.value.partition("@")[2] if step.uses else ""
            old = bool(re.fullmatch(r"v[123](\..*)?", version))
            whole = path.value.strip() in (".", "./", "${{ github.workspace }}")
            if whole and (hidden or old):
                teller.say("token-in-artifact", replace(path.span))
