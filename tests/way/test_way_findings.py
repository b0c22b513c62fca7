"""Findings of a branch: seen when something lands, kept through moves, silenced by humans only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from way_support import POLICY, Stage

from headgate.model.errors import BadInput, Denied, NotFound

pytestmark = pytest.mark.sandbox

WEAK = "import hashlib\n\n\ndef digest(text):\n    return hashlib.md5(text).hexdigest()\n"
SHELL = "import os\n\n\ndef show(name):\n    os.system('ls ' + name)\n"


def listed(stage: Stage, **query: str) -> dict[str, Any]:
    return stage.operator.get("/findings.json", {"project": "app", **query})


def when(stage: Stage, commit: str) -> dict[str, Any]:
    """The list once the branch was scanned at this commit."""
    deadline = time.monotonic() + 60
    while True:
        view = listed(stage, state="all")
        if view["trend"] and view["trend"]["last"]["commit"] == commit:
            return view
        assert time.monotonic() < deadline, view["trend"]
        time.sleep(0.05)


def one(view: dict[str, Any], rule: str) -> dict[str, Any]:
    (found,) = [f for f in view["findings"] if f["rule"] == rule]
    return found


def land(stage: Stage, who: str = "bea", **files: str | None) -> dict[str, Any]:
    told = stage.propose(who, stage.files(**files), "Work on it")
    ended = stage.ended(told.change)
    assert ended["state"] == "landed", ended
    return when(stage, stage.head())


def headgate(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", *arguments],
        env={**environment, "HEADGATE_DATA": str(stage.data)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_finding_lives_from_landing_to_landing(stage: Stage) -> None:
    view = land(stage, **{"src__digest.py": WEAK})
    first = one(view, "python/weak-hash")
    assert (first["state"], first["path"], first["line"]) == ("new", "src/digest.py", 5)
    assert (first["owner"], first["owner_source"]) == ("bea", "history")
    assert 0 < first["rank"] <= 100
    # It moves to another file with a longer name in front of it, and stays the same.
    moved = "SIZE = 3\n\n\n" + WEAK
    view = land(stage, **{"src__digest.py": None, "src__hashing.py": moved})
    second = one(view, "python/weak-hash")
    assert second["identity"] == first["identity"]
    assert (second["state"], second["path"], second["line"]) == ("open", "src/hashing.py", 8)
    # Mended.
    good = moved.replace("md5", "sha256")
    view = land(stage, **{"src__hashing.py": good})
    assert one(view, "python/weak-hash")["state"] == "fixed"
    assert listed(stage)["total"] == 0
    # Back again.
    view = land(stage, **{"src__hashing.py": moved})
    assert one(view, "python/weak-hash")["state"] == "reopened"
    assert [scan["open"] for scan in view["trend"]["scans"]][-4:] == [1, 1, 0, 1]
    rules = stage.operator.get("/rules.json")["rules"]
    assert [r["open"] for r in rules if r["rule"] == "python/weak-hash"] == [1]


def test_a_comment_that_has_landed_silences_and_ends_on_its_day(stage: Stage) -> None:
    comment = "  # headgate: allow python/weak-hash because it names cache entries\n"
    allowed = "SIZE = 3\n\n\n" + WEAK.replace(".hexdigest()\n", f".hexdigest(){comment}")
    view = land(stage, **{"src__hashing.py": allowed})
    found = one(view, "python/weak-hash")
    assert (found["state"], found["reason"]) == ("suppressed", "it names cache entries")
    view = land(stage, **{"src__hashing.py": allowed.replace(comment, "\n")})
    assert one(view, "python/weak-hash")["state"] == "reopened"


def test_what_denies_a_change_is_silenced_by_others_than_its_authors(stage: Stage) -> None:
    told = stage.propose("carl", stage.files(**{"src__show.py": SHELL}), "Show files")
    assert stage.ended(told.change)["state"] == "denied"
    checks = stage.operator.get(f"/changes/{told.change}.json")["checks"]
    (found,) = next(c for c in checks if c["check"] == "source")["findings"]
    path = f"/api/findings/{found['identity'][:12]}"
    body = {"reason": "names come from our own table"}
    for who, why in (("carl", "Nobody approves a change of their own"), ("coder", "agent")):
        with pytest.raises(Denied, match=why):
            stage.as_(who).post(f"{path}/suppress", body)
    # An agent's word is kept, and decides nothing.
    act = stage.as_("coder").post(f"{path}/dispute", {"reason": "it looks safe"})["act"]
    assert act["silences"] is False
    assert stage.ended(told.change)["state"] == "denied"
    for bad, why in (
        ({"reason": " "}, "reason"),
        ({**body, "until": "soon"}, "no date"),
        ({**body, "until": "2020-01-01"}, "past"),
        ({**body, "until": "2099-01-01"}, "more than a year"),
    ):
        with pytest.raises(BadInput, match=why):
            stage.as_("dora").post(f"{path}/suppress", bad)
    done = stage.as_("dora").post(f"{path}/suppress", body)["act"]
    assert done["silences"] is True
    assert done["expires"] > time.time() + 300 * 86400
    assert stage.ended(told.change, frozenset({"landed"}))["state"] == "landed"
    silent = one(when(stage, stage.head()), found["rule"])
    assert (silent["state"], silent["reason"]) == ("suppressed", body["reason"])
    shown = stage.operator.get(f"/findings/{found['identity'][:10]}.json")
    assert [act["kind"] for act in shown["acts"]] == ["dispute", "suppress"]
    assert any("os.system" in line["text"] for line in shown["steps"][0]["code"])
    stage.as_("dora").post(f"{path}/reopen", {"reason": "the table is gone"})
    assert one(listed(stage), found["rule"])["state"] == "reopened"


def test_a_dispute_counts_in_the_record_of_the_rule(stage: Stage) -> None:
    found = one(listed(stage), "python/weak-hash")
    stage.as_("dora").post(f"/api/findings/{found['identity']}/dispute", {"reason": "no secret"})
    (record,) = [
        r for r in stage.operator.get("/rules.json")["rules"] if r["rule"] == "python/weak-hash"
    ]
    assert (record["disputed"], record["precision"]) == (1, 0.0)
    assert one(listed(stage, state="suppressed"), "python/weak-hash")
    with pytest.raises(NotFound, match="There is no finding 'ffffffff'"):
        stage.as_("dora").post("/api/findings/ffffffff/dispute", {"reason": "x"})


def test_findings_on_the_command_line(stage: Stage) -> None:
    shown = headgate(stage, "findings", "list", "app")
    assert shown.returncode == 0, shown.stderr
    head, row = shown.stdout.splitlines()
    assert head.split() == ["RANK", "SEVERITY", "STATE", "PLACE", "RULE", "OWNER", "IDENTITY"]
    assert "src/show.py:5" in row
    identity = row.split()[-1]
    told = headgate(stage, "findings", "show", identity).stdout
    assert "> 5 |     os.system('ls ' + name)" in told
    assert "Rank " in told
    assert "suppress by dora" in told
    answer = headgate(stage, "findings", "list", "app", "--severity", "critical", "--json")
    assert json.loads(answer.stdout)["total"] == 0
    denied = headgate(stage, "findings", "suppress", identity, "--because", "x")
    assert denied.returncode == 1
    assert "services-never-approve" not in denied.stderr
    assert "acts of humans" in denied.stderr
    assert "right" in headgate(stage, "findings", "rules").stdout.lower()
    none = headgate(stage, "findings", "show", "0123456789")
    assert (none.returncode, none.stdout) == (2, "")


def test_results_of_another_tool_are_recorded_and_mended(stage: Stage, tmp_path: Path) -> None:
    def log(*lines: int, ran: bool = True, uri: str = "src/show.py") -> str:
        results = [
            {
                "ruleId": "no-system",
                "level": "warning",
                "message": {"text": "Do not call system"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": uri},
                            "region": {"startLine": line},
                        }
                    }
                ],
            }
            for line in lines
        ]
        run = {
            "tool": {"driver": {"name": "Our Linter"}},
            "invocations": [{"executionSuccessful": ran}],
            "results": results,
        }
        path = tmp_path / "log.sarif"
        path.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
        return str(path)

    arguments = ("--project", "app")
    # The operator is a service: only a human takes in what others say.
    done = stage.as_("dora").post(
        "/api/projects/app/findings", {"sarif": Path(log(5)).read_text("utf-8")}
    )
    assert done["tools"][0] == {
        "tool": "our-linter", "outcome": "failed", "reason": "", "findings": 1, "new": 1,
        "fixed": 0,
    }  # fmt: skip
    assert one(listed(stage), "our-linter/no-system")["state"] == "new"
    # A run that failed mends nothing.
    text = Path(log(ran=False)).read_text("utf-8")
    done = stage.as_("dora").post("/api/projects/app/findings", {"sarif": text})["tools"][0]
    assert (done["outcome"], done["fixed"]) == ("not run", 0)
    text = Path(log()).read_text("utf-8")
    done = stage.as_("dora").post("/api/projects/app/findings", {"sarif": text})["tools"][0]
    assert (done["outcome"], done["fixed"]) == ("passed", 1)
    # Our own scans leave it alone, and it leaves them alone.
    assert one(listed(stage), "python/shell-injection")
    refused = headgate(stage, "scan", "import", log(5), *arguments)
    assert refused.returncode == 1
    assert "acts of humans" in refused.stderr


def test_the_policy_silences_findings_for_a_time_and_says_so(stage: Stage) -> None:
    def policy(*rules: tuple[str, str], until: str = "2099-01-31") -> None:
        more = "".join(
            f'[[suppress]]\nrule = "{rule}"\npaths = ["{path}"]\nuntil = {until}\n'
            'owner = "security"\nbecause = "the store quotes names"\n'
            for rule, path in rules
        )
        files = {"policy.toml": POLICY + more}
        stage.operator.post("/api/policy/import", {"files": files, "reason": "tests"})

    rule = "python/shell-injection"
    line = POLICY.count("\n") + 1
    assert one(listed(stage), rule)["silenced_by"] == ""
    policy((rule, "src/**"))
    silent = one(listed(stage, state="suppressed"), rule)
    assert silent["silenced_by"] == f"policy.toml:{line}"
    assert silent["reason"].endswith("the store quotes names (until 2099-01-31) (owner security)")
    shown = headgate(stage, "findings", "list", "app", "--suppressed").stdout
    assert shown.splitlines()[0].split()[-3:] == ["BY", "BECAUSE", "IDENTITY"]
    shown_policy = headgate(stage, "policy", "show").stdout
    assert f"suppress  {rule} in src/** until 2099-01-31: security" in shown_policy
    row = next(one for one in shown.splitlines() if rule in one)
    assert f"policy.toml:{line}" in row
    assert "dora" in next(one for one in shown.splitlines() if "python/weak-hash" in one)
    # A change that brings such a finding lands.
    told = stage.propose("carl", stage.files(**{"src__other.py": SHELL}), "Show more")
    assert stage.ended(told.change)["state"] == "landed"
    when(stage, stage.head())
    # When its time is over, or it is taken out, everything is open again.
    policy((rule, "src/**"), until="2020-01-31")
    again = [f for f in listed(stage)["findings"] if f["rule"] == rule]
    assert {(f["state"], f["lapsed"]) for f in again} == {
        ("reopened", f"policy.toml:{line} (security)")
    }
    text = headgate(stage, "findings", "list", "app").stdout
    assert f"the suppression at policy.toml:{line} (security) has ended." in text
    told = stage.propose("carl", stage.files(**{"src__third.py": SHELL}), "Show all")
    assert stage.ended(told.change)["state"] == "denied"
    policy()
    assert {f["lapsed"] for f in listed(stage)["findings"]} == {""}
    assert stage.operator.get("/events.json?kind=findings.suppressions")["events"]
    with pytest.raises(BadInput, match=f"policy.toml:{line}: suppress.rule: there is no rule"):
        policy(("python/shell-injectoin", "src/**"))
