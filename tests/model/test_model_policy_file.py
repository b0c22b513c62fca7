"""policy.toml: what a full one means, and how each mistake is told."""

from __future__ import annotations

import pytest

from headgate.model.errors import BadInput
from headgate.model.finding import Confidence, Severity
from headgate.model.toml.policy_file import digest_of, parse_policy

SETUP = "sha256:" + "0f" * 32
FULL = f"""\
[groups]
security = ["ada", "ada", "grace"]

[queues.main]
projects = ["markupsafe", "jinja"]
branches = ["main"]
window = 3

[findings]
deny-from = "critical"
deny-confidence = "low"

[[approvals]]
name = "critical-by-agent"
count = 2
groups = ["security"]
classes = ["critical.*"]
origins = ["ai", "mixed", "unknown"]
tier = "high"
projects = ["*"]

[[approvals]]
name = "new-packages"
dependencies = true

[dependencies]
humans = "deny"
[dependencies.approved]
pypi = ["Markup_Safe"]
[dependencies.index]
pypi = "https://pypi.org/simple/"

[jobs]
network = ["jinja/docs"]

[risk]
large-change = 100

[environments]
approved-setups = ["{SETUP}"]
[environments.py]
setup = "true"
"""


def policy(text: str, **others: str) -> object:
    files = {"policy.toml": text.encode()} | {k: v.encode() for k, v in others.items()}
    return parse_policy(files)


def test_a_full_policy() -> None:
    files = {"policy.toml": FULL.encode(), "permissions.cedar": b"// ours\n", "README.md": b"\xff"}
    found = parse_policy(files)
    assert found.groups == {"security": ("ada", "grace")}
    assert found.queues[0].projects == ("markupsafe", "jinja")
    assert (found.queues[0].window, found.queues[0].window_ceiling) == (3, 20)
    assert (found.deny_from, found.deny_confidence) == (Severity.CRITICAL, Confidence.LOW)
    first, second = found.approvals
    assert (first.count, first.tier, first.classes) == (2, "high", ("critical.*",))
    assert (second.count, second.tier, second.dependencies) == (1, "", True)
    assert found.dependencies.approved["pypi"] == ("markup-safe",)
    assert found.dependencies.index == {"pypi": "https://pypi.org/simple"}
    assert (found.dependencies.humans, found.dependencies.agents) == ("deny", "deny")
    assert found.network_jobs == ("jinja/docs",)
    assert found.large_change == 100
    assert found.approved_setups == (SETUP,)
    assert found.environments["py"].setup == "true"
    assert found.cedar == "// ours\n"


def test_the_digest_is_of_the_policy_files_alone() -> None:
    one = {"policy.toml": b""}
    assert digest_of(one) == digest_of(one | {"README.md": b"x"})
    assert digest_of(one) != digest_of({"policy.toml": b" "})
    assert digest_of(one) != digest_of(one | {"permissions.cedar": b""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gruops = 1", "policy.toml:1: gruops: unknown key. Did you mean `groups`?"),
        ("[groups]\na = 3", "policy.toml:2: groups.a: expected a list of strings"),
        ("[queues.m]\nprojects=['a']", "policy.toml:1: queues.m: has no `branches`."),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nwindow=50",
            "policy.toml:4: queues.m.window: 50 is not between window-floor 2",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nmode='lanes'\nwindow=4",
            "policy.toml:5: queues.m.window: `window` has no meaning in lanes",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nwindow=3\nslots=4",
            "policy.toml:5: queues.m.slots: `slots` is not in a chain. `window` makes it one",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nmode='chain'\nslots=4",
            "policy.toml:5: queues.m.slots: `slots` is not in a chain. Set mode",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nmode='lane'",
            "queues.m.mode",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\nwindow-floor=9\nwindow-ceiling=8",
            "9 is above the window-ceiling 8",
        ),
        (
            "[queues.m]\nprojects=['a']\nbranches=['b']\n[queues.n]\nprojects=['a']\nbranches=['b']",
            "policy.toml:5: queues.n.projects: b of a already belongs to the queue m.",
        ),
        ("[findings]\ndeny-from='bad'", "`bad` is none of info, low, medium, high, critical"),
        ("[[approvals]]\ncount=1", "policy.toml:1: approvals[0]: has no `name`"),
        ("[approvals]\nname='x'", "Write [[approvals]]."),
        (
            "[[approvals]]\nname='x'\n[[approvals]]\nname='x'",
            "policy.toml:4: approvals[1].name: there is already an approval rule `x`",
        ),
        ("[[approvals]]\nname='x'\ncount=0", "0 is not between 1 and 20"),
        (
            "[groups]\nsecurity=[]\n[[approvals]]\nname='x'\ngroups=['securty']",
            "policy.toml:5: approvals[0].groups: there is no group `securty`. Did you mean `secur",
        ),
        ("[[approvals]]\nname='x'\norigins=['robot']", "`robot` is none of human, ai, mixed"),
        ("[[approvals]]\nname='x'\ntier='huge'", "`huge` is none of low, moderate, high, critical"),
        ("[dependencies]\nagents='ask'", "`ask` is none of warn, deny"),
        ("[dependencies.approved]\ncargo=['x']", "dependencies.approved.cargo: unknown key"),
        ("[dependencies.index]\npypi='ftp://x'", "`ftp://x` is not an http(s) address"),
        ("[jobs]\nnetwork=['docs']", "`docs` is not PROJECT/JOB"),
        ("[risk]\nlarge-change=0", "0 is not between 1 and 1000000"),
        ("[environments]\napproved-setups=['abc']", "is not sha256: and 64 hexadecimal digits"),
        ("[environments.py]\nsetup=3", "environments.py.setup: expected a string"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        policy(text)
    assert message in str(caught.value)


def test_files_that_are_missing_or_not_text() -> None:
    with pytest.raises(BadInput, match=r"The policy has no policy\.toml\."):
        parse_policy({})
    with pytest.raises(BadInput, match=r"policy\.toml:2: this is not UTF-8"):
        parse_policy({"policy.toml": b"# a\n\xff"})
    with pytest.raises(BadInput, match=r"permissions\.cedar:1: this is not UTF-8"):
        parse_policy({"policy.toml": b"", "permissions.cedar": b"\xff"})


def test_a_queue_of_lanes_says_how_much_it_does_at_once():
    text = "[queues.m]\nprojects=['a']\nbranches=['b']\nmode='lanes'\nslots=8\nfuse=3\n"
    (queue,) = parse_policy({"policy.toml": f"{text}source-window=2".encode()}).queues
    assert (queue.mode, queue.slots, queue.fuse, queue.source_window) == ("lanes", 8, 3, 2)


def test_a_queue_has_lanes_unless_it_says_chain_or_has_a_window():
    base = "[queues.m]\nprojects=['a']\nbranches=['b']\n"
    for keys, mode in (("", "lanes"), ("slots=8", "lanes"), ("window=3", "chain")):
        (queue,) = parse_policy({"policy.toml": f"{base}{keys}".encode()}).queues
        assert queue.mode == mode
    (queue,) = parse_policy({"policy.toml": f"{base}mode='chain'".encode()}).queues
    assert (queue.mode, queue.window) == ("chain", 4)
