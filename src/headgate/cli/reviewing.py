"""What `scan review` does: says what may leave, asks the endpoint, reports what it found."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from headgate import __version__
from headgate.cli.inspection import configuration_of, hand_out, publish
from headgate.cli.output import current, say
from headgate.cli.where import start_of
from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput, CouldNotRun, Denied, ExitCode
from headgate.model.finding import CheckResult, Confidence, Finding, Outcome
from headgate.model.reviewer import AnswerFormat, LimitName, Prices, ReviewerPolicy
from headgate.scan.agreement import agreed
from headgate.scan.analyzers.interface import Analyzer
from headgate.scan.engine import Request, analyzers, examine
from headgate.scan.format import Report
from headgate.scan.reviewer.account import LocalAccount, local_account_path
from headgate.scan.reviewer.interface import Material, Usage, price
from headgate.scan.reviewer.material import material
from headgate.scan.reviewer.placing import placing
from headgate.scan.reviewer.prompt import Question, first, text_of
from headgate.scan.reviewer.review import Reviewed, as_result, money, refusal, review, scope_of
from headgate.scan.rules.table import rule_cache
from headgate.scan.text import plural, printable
from headgate.scan.tree import Root, Selection, find_root, inside, run, select

OFF = (
    "No reviewer is switched on, and nothing is sent.",
    "Put a [reviewer] table with endpoint, model, projects and paths into policy.toml of the "
    "policy project, or name a file that has one with --policy.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be reviewed, and by whose rules."""

    paths: Sequence[str]
    base: str
    policy_file: str
    project: str


@dataclass(frozen=True, slots=True)
class _Prepared:
    policy: ReviewerPolicy
    project: str
    root: Root
    base: str
    config: ProjectConfig
    selection: Selection
    tools: Sequence[Analyzer]
    results: tuple[CheckResult, ...]
    """What Headgate's own checks say."""
    material: Material

    @property
    def classes(self) -> Mapping[str, Sequence[str]]:
        return {one.name: one.patterns for one in self.config.classes}


def review_here(wanted: Wanted, chosen: str, output: str) -> int:
    """Review a change of a work tree, and print the report; the exit code. Raises HeadgateError."""
    begun = time.perf_counter()
    ready = _prepared(wanted)
    key = _key(ready.policy)
    account = LocalAccount(local_account_path(os.environ))
    if why := refusal(ready.material):
        reviewed = Reviewed(Outcome.NOT_RUN, why, spent=account.spent())
    else:
        from headgate.scan.reviewer.openai import OpenAIEndpoint

        endpoint = OpenAIEndpoint(ready.policy, key)
        reviewed = asyncio.run(
            review(ready.material, ready.classes, ready.policy, ready.project, endpoint, account)
        )
    placed = _placed(ready, reviewed.findings)
    result = as_result(reviewed, ready.material, placed, time.perf_counter() - begun)
    result = agreed(result, ready.results)
    files = 0 if reviewed.outcome is Outcome.NOT_RUN else len(ready.material.sources)
    report = Report((result,), str(ready.root.path), ready.base, __version__, files)
    name = "json" if current().json and chosen == "text" else chosen
    if name == "json":
        from headgate.scan.format.json_ import as_object

        whole = as_object(report) | {"review": _as_object(ready, reviewed)}
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        hand_out(text, output, plural(len(placed), "finding"))
    else:
        publish(report, name, output)
    words = f"{ready.policy.tool} at {ready.policy.endpoint}: {printable(result.reason)}."
    if name != "text" or output:
        print(words, file=sys.stderr)
    elif result.outcome not in (Outcome.NOT_RUN, Outcome.UNKNOWN):
        say(words)
    return int(report.exit_code)


def show_question(wanted: Wanted, output: str) -> int:
    """Show what would be sent, and send nothing; the exit code. Raises HeadgateError."""
    ready = _prepared(wanted)
    why = refusal(ready.material)
    question = None if why else first(ready.policy, ready.material, ready.classes)
    if output and question is not None:
        body = question.body.decode("utf-8")
        hand_out(body, output, f"The {len(question.body):,} bytes that would be sent,")
    if current().json:
        print(json.dumps(_plan(ready, question, why), ensure_ascii=False, indent=2))
    else:
        say(*_plan_lines(ready, question, why))
    return int(ExitCode.NOT_RUN if why else ExitCode.CLEAN)


def _prepared(wanted: Wanted) -> _Prepared:
    policy = _policy(wanted.policy_file)
    places = [Path(path) for path in wanted.paths]
    root = asyncio.run(find_root(start_of(places)))
    project = wanted.project or root.path.resolve().name
    if not policy.reviews(project):
        raise Denied(
            f"The policy does not let the code of {printable(project)} be sent to a reviewer.",
            "Name it in `projects` under [reviewer], or say with --project what it is called.",
        )
    config, configuration = configuration_of(root)
    if configuration.outcome is not Outcome.PASSED:
        # What may not be looked at is not known.
        for finding in configuration.findings:
            raise BadInput(finding.message, finding.remedy)
        raise CouldNotRun(f"{configuration.reason}.", "Mend it first.")
    selection = asyncio.run(select(root, places, wanted.base, config.exclude))
    if selection.problem:
        raise CouldNotRun(f"{selection.problem}.", "Review a smaller range.")
    if selection.request is None or not (selection.paths or selection.request.base):
        raise BadInput(
            f"Nothing is different from {printable(wanted.base)}.",
            "Name what the change began from, e.g. --base origin/main.",
        )
    tools = analyzers(secrets.token_bytes(32), rule_cache())
    results = run(selection, tools, config.exclude)
    known = [one for result in results if result.check == "source" for one in result.findings]
    classes = {one.name: one.patterns for one in config.classes}
    scope = scope_of(policy, classes, known)
    request = _narrowed(selection.request, inside(root, places))
    shown = material(request, scope, tools)
    return _Prepared(policy, project, root, wanted.base, config, selection, tools, results, shown)


def _narrowed(request: Request, wanted: Sequence[str]) -> Request:
    """Without the old states of files that are not to be looked at: they are not deleted."""
    if request.base is None or not wanted:
        return request
    before = {request.renamed.get(file.path, file.path) for file in request.head}
    kept = tuple(
        file
        for file in request.base
        if file.path in before
        or any(one in ("", file.path) or file.path.startswith(f"{one}/") for one in wanted)
    )
    return replace(request, base=kept)


def _placed(ready: _Prepared, found: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with excerpts and identities."""
    if not found or ready.selection.request is None:
        return ()
    source, _ = examine(placing(found, ready.selection.request), ready.tools)
    return source.findings


# -- the policy ------------------------------------------------------------------------------


def _policy(file: str) -> ReviewerPolicy:
    """Raises BadInput when it has no reviewer."""
    found = _from_file(file) if file else _in_force()
    if found is None:
        raise BadInput(*OFF)
    return found


def _from_file(name: str) -> ReviewerPolicy | None:
    from headgate.model.toml.policy_file import POLICY_FILE, parse_policy

    path = Path(name)
    path = path / POLICY_FILE if path.is_dir() else path
    try:
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise BadInput(
            f"{printable(str(path))} cannot be read: {why}.", "Name a policy.toml."
        ) from None
    return parse_policy({POLICY_FILE: data}).reviewer


def _in_force() -> ReviewerPolicy | None:
    """What the server's policy says; None where there is no server, either."""
    from headgate.cli.client import connect

    try:
        client = connect()
    except CouldNotRun:
        return None
    given = client.get("/api/policy")["policy"].get("reviewer")
    return None if given is None else _from_view(cast("dict[str, Any]", given))


def _from_view(view: Mapping[str, Any]) -> ReviewerPolicy:
    fields = dict(view)
    for name in ("projects", "paths", "never"):
        fields[name] = tuple(fields[name])
    fields["prices"] = Prices(**fields["prices"])
    fields["min_confidence"] = Confidence[str(fields["min_confidence"]).upper()]
    fields["answer_format"] = AnswerFormat(fields["answer_format"])
    fields["limit_name"] = LimitName(fields["limit_name"])
    return ReviewerPolicy(**fields)


def _key(policy: ReviewerPolicy) -> str:
    """Raises CouldNotRun when the policy wants a key that is not here."""
    if policy.key_secret:
        raise CouldNotRun(
            "The key of the reviewer is a secret of the policy project, which only the server can "
            "open.",
            "Push the change for review, or give a --policy with `key-env`.",
        )
    if not policy.key_env:
        return ""
    key = os.environ.get(policy.key_env, "").strip()
    if not key:
        raise CouldNotRun(
            f"The variable {policy.key_env}, which `key-env` under [reviewer] names, is not set.",
            "Set it to the key of the endpoint.",
        )
    return key


# -- words -----------------------------------------------------------------------------------


def _as_object(ready: _Prepared, reviewed: Reviewed) -> dict[str, Any]:
    policy = ready.policy
    return {
        "endpoint": policy.endpoint,
        "model": policy.model,
        "sent": reviewed.sent,
        "files": _files(ready.material),
        "masked": ready.material.masked,
        "tokens": {
            "sent": reviewed.usage.sent,
            "received": reviewed.usage.received,
            "estimated": reviewed.usage.estimated,
            "today": reviewed.spent.tokens,
            "per_day": policy.tokens_per_day,
        },
        "cost": {
            "micros": reviewed.micros,
            "today": reviewed.spent.micros,
            "currency": policy.prices.currency,
            "known": policy.prices.known,
        },
        "discarded": reviewed.discarded,
    }


def _plan(ready: _Prepared, question: Question | None, why: str) -> dict[str, Any]:
    made = ready.material
    return {
        "endpoint": ready.policy.endpoint,
        "model": ready.policy.model,
        "refused": why,
        "files": _files(made),
        "withheld": [printable(one) for one in made.withheld],
        "cut": [printable(one) for one in made.cut],
        "masked": made.masked,
        "tokens": 0 if question is None else question.tokens,
        "sha256": "" if question is None else question.digest,
        "body": "" if question is None else question.body.decode("utf-8"),
    }


def _files(made: Material) -> list[dict[str, Any]]:
    return [
        {"path": printable(one.path), "sha256": one.digest, "lines": one.lines}
        for one in made.sources
    ]


def _plan_lines(ready: _Prepared, question: Question | None, why: str) -> list[str]:
    policy, made = ready.policy, ready.material
    lines: list[str] = []
    if question is None:
        lines.append(f"Nothing would be sent: {why}.")
    else:
        most = Usage(question.tokens, policy.tokens_per_answer)
        lines += [
            f"To {policy.endpoint}/chat/completions, model {policy.model}, would go "
            f"{len(question.body):,} bytes (sha256 {question.digest}):",
            text_of(question),
            "",
            f"About {question.tokens:,} tokens, and at most {policy.tokens_per_answer:,} in the "
            f"answer{_most_cost(policy, most)}. Nothing was sent.",
            f"{plural(len(made.sources), 'file')}: "
            + ", ".join(f"{printable(s.path)} ({plural(s.lines, 'line')})" for s in made.sources)
            + ".",
        ]
    if made.masked:
        lines.append(f"Secrets are masked in {plural(made.masked, 'line')}.")
    lines += [f"Withheld: {printable(one)}." for one in made.withheld]
    lines += [f"Not all: {printable(one)}." for one in made.cut]
    return lines


def _most_cost(policy: ReviewerPolicy, most: Usage) -> str:
    if not policy.prices.known:
        return ""
    return f" ({money(price(policy.prices, most), policy.prices.currency)})"
