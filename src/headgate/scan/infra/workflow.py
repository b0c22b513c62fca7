"""What of a GitHub workflow an outsider chooses, and what its jobs and steps are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.model.record import record
from headgate.scan.infra.yaml_nodes import List, Map, Node, Scalar, at, each, entries, text_at
from headgate.scan.late import late

EXPRESSION = late(r"\$\{\{(.*?)\}\}", re.DOTALL)
PRIVILEGED = frozenset(
    {
        "pull_request_target", "workflow_run", "issues", "issue_comment", "discussion",
        "discussion_comment", "fork", "watch", "gollum",
    }
)  # fmt: skip
"""Events that outsiders cause and whose runs have the repository's secrets."""
PULL = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Events that outsiders cause; runs for forks have no secrets."""
_OUTSIDER = late(
    r"""\bgithub\.(?:
      head_ref\b
    | event\.(?:
        issue\.(?:title|body)
      | discussion\.(?:title|body)
      | (?:comment|review|review_comment)\.body
      | pull_request\.(?:title|body|head\.(?:ref|label))
      | pull_request\.head\.repo\.(?:default_branch|description|homepage)
      | pages(?:\.\*|\[\d+\])\.page_name
      | (?:commits(?:\.\*|\[\d+\])|head_commit)\.(?:message|author\.(?:email|name))
      | workflow_run\.(?:head_branch|display_title|head_commit\.(?:message|author\.(?:email|name))
          |head_repository\.description|pull_requests(?:\.\*|\[\d+\])\.head\.ref)
      | merge_group\.head_commit\.message
      )\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_INDEXED = late(r"\[\s*'([\w-]+)'\s*\]")
_WHOLE = late(
    r"\btojson\(\s*github(?:\.event(?:\.(?:pull_request|issue|comment|head_commit))?)?\s*\)",
    re.IGNORECASE,
)
_TESTED = late(
    r"^\s*(?:contains|startsWith|endsWith|hashFiles)\(|[!=]=|^\s*!|&&\s*'[^']*'", re.IGNORECASE
)
_HEAD = late(
    r"github\.event\.pull_request\.(?:head\.(?:sha|ref|repo\.full_name)|number|merge_commit_sha)|"
    r"github\.event\.(?:number|issue\.number)|github\.head_ref|"
    r"github\.event\.workflow_run\.(?:head_sha|head_branch|head_commit\.id|head_repository)|"
    r"refs/pull/|steps\.[\w-]+\.outputs\.(?:head_?)?(?:sha|ref)\b",
    re.IGNORECASE,
)


def outsiders(expression: str) -> str:
    """What an outsider chooses in the expression and its text can be anything; empty: nothing."""
    plain = _INDEXED.sub(r".\1", expression)
    if _TESTED.search(plain):
        # A comparison yields true or false, whatever is compared.
        return ""
    found = _OUTSIDER.search(plain) or _WHOLE.search(plain)
    return found[0] if found else ""


def is_head(text: str) -> bool:
    """Whether a ref or repository to check out is that of the proposal."""
    return bool(_HEAD.search(_INDEXED.sub(r".\1", text)))


@record
class Step:
    """One step of a job or of a composite action."""

    node: Map

    @property
    def uses(self) -> Scalar | None:
        found = self.node.get("uses")
        return found if isinstance(found, Scalar) else None

    @property
    def run(self) -> Scalar | None:
        found = self.node.get("run")
        return found if isinstance(found, Scalar) else None

    @property
    def action(self) -> str:
        """`owner/name` in lower case; empty when it uses none."""
        return self.uses.value.partition("@")[0].lower() if self.uses else ""

    def given(self, name: str) -> Scalar | None:
        found = at(self.node, "with", name)
        return found if isinstance(found, Scalar) else None

    @property
    def condition(self) -> str:
        return text_at(self.node, "if")


@record
class Job:
    name: Scalar
    node: Map

    @property
    def steps(self) -> list[Step]:
        return [Step(one) for one in each(self.node.get("steps")) if isinstance(one, Map)]

    @property
    def condition(self) -> str:
        return text_at(self.node, "if")


def triggers(workflow: Node) -> dict[str, Node | None]:
    """Event → what narrows it. YAML 1.1 reads the key `on` as true; here it is text."""
    on = at(workflow, "on")
    if isinstance(on, Scalar):
        return {on.value: None}
    if isinstance(on, List):
        return {one.value: None for one in on.items if isinstance(one, Scalar)}
    return {key.value: value for key, value in entries(on)}


def jobs(workflow: Node) -> Iterator[Job]:
    for name, node in entries(at(workflow, "jobs")):
        if isinstance(node, Map):
            yield Job(name, node)


def environment(*nodes: Node) -> dict[str, str]:
    """Variables set by `env:` of workflow, job and step, the inner ones last."""
    found: dict[str, str] = {}
    for node in nodes:
        for key, value in entries(at(node, "env")):
            if isinstance(value, Scalar):
                found[key.value] = value.value
    return found
