"""Ways round the verdict, each tried for real: none of them lands."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

import pytest
from way_support import POLICY, Stage

from headgate.demo.world import change_of
from headgate.model.errors import Denied

pytestmark = pytest.mark.sandbox

JOB = '[jobs.check]\nrun = ["sh", "check.sh"]\ntimeout = "30s"\n'
CRITICAL = '[classes]\ncritical.auth = ["auth/**"]\n\n'
LOGIN = "def login():\n    return check()\n"
OPEN = "def login():\n    return True\n"
SETTLED = frozenset({"landed", "ejected", "denied", "waiting", "ready"})


def git(stage: Stage, who: str, place: Path, *arguments: str) -> str:
    done = stage._git(who, place, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def on_main(stage: Stage, project: str, path: str) -> str:
    where = stage.data / "repositories" / f"{project}.git"
    return subprocess.run(
        ["git", "-C", str(where), "show", f"main:{path}"], capture_output=True, text=True
    ).stdout


def settled(stage: Stage, number: int | None) -> dict[str, str]:
    """Where a change comes to rest, once nothing about it moves any more."""
    assert number is not None
    change = stage.ended(number, SETTLED)
    time.sleep(0.3)
    return stage.ended(number, SETTLED) if change["state"] == "waiting" else change


def project(stage: Stage, name: str, config: str, **files: str) -> None:
    named = {path.replace("__", "/") + ".py": text for path, text in files.items()}
    stage.add_project(name, {"check.sh": "true\n", "headgate.toml": config, **named})


def test_an_old_base_does_not_evade_a_path_class(stage: Stage) -> None:
    project(stage, "stale", JOB, auth__login=LOGIN)
    old = stage.clone("scribe", "stale")

    def declare(root: Path) -> None:
        (root / "headgate.toml").write_text(CRITICAL + JOB)

    declared = stage.propose("bea", declare, "Auth is critical", project="stale")
    assert stage.ended(declared.change)["state"] == "landed"
    (old / "auth" / "login.py").write_text(OPEN)
    git(stage, "scribe", old, "commit", "-qam", "Loosen")
    pushed = stage.push("scribe", old, "refs/for/main")
    assert settled(stage, pushed.change)["state"] == "waiting"
    assert on_main(stage, "stale", "auth/login.py") == LOGIN


def test_a_merge_that_follows_a_rename_is_judged_by_where_it_lands(stage: Stage) -> None:
    body = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(30))
    project(stage, "ren", CRITICAL + JOB, lib__session=body)
    old = stage.clone("scribe", "ren")

    def move(root: Path) -> None:
        (root / "auth").mkdir()
        (root / "lib" / "session.py").rename(root / "auth" / "session.py")

    moved = stage.propose("bea", move, "Move it", project="ren")
    assert stage.ended(moved.change)["state"] == "landed"
    (old / "lib" / "session.py").write_text(body.replace("return 7\n", "return 666\n"))
    git(stage, "scribe", old, "commit", "-qam", "Tweak")
    number = stage.push("scribe", old, "refs/for/main").change
    change = stage.ended(number or 0, frozenset({"landed", "waiting"}))
    assert change["state"] == "waiting"
    assert "security" in settled(stage, number)["reason"]
    assert "666" not in on_main(stage, "ren", "auth/session.py")
    stage.as_("dora").post(f"/api/changes/{number}/approve")
    assert stage.ended(number or 0)["state"] == "landed"


def test_a_rebase_does_not_lose_what_a_merge_commit_took_back(stage: Stage) -> None:
    project(stage, "reb", 'merge = "rebase"\n' + CRITICAL + JOB, auth__login=LOGIN)
    place = stage.clone("scribe", "reb")
    git(stage, "scribe", place, "checkout", "-qb", "side")
    stage.commit("scribe", place, stage.files(doc="x\n"), "Side")
    git(stage, "scribe", place, "checkout", "-qb", "evil", "origin/main")
    (place / "auth" / "login.py").write_text(OPEN)
    git(stage, "scribe", place, "commit", "-qam", "Loosen")
    git(stage, "scribe", place, "merge", "-q", "--no-ff", "--no-commit", "side")
    (place / "auth" / "login.py").write_text(LOGIN)
    stage.commit("scribe", place, stage.files(), "Merge side")
    number = stage.push("scribe", place, "refs/for/main").change
    assert settled(stage, number)["state"] == "waiting"
    assert on_main(stage, "reb", "auth/login.py") == LOGIN


def test_only_commits_are_proposals(stage: Stage) -> None:
    project(stage, "tagged", JOB)
    place = stage.clone("scribe", "tagged")
    stage.commit("scribe", place, stage.files(x="1\n"), "X")
    git(stage, "scribe", place, "tag", "-a", "t", "-m", "t")
    for what in ("t", "HEAD^{tree}"):
        refused = stage._git("scribe", place, "push", "origin", f"{what}:refs/for/main")
        assert refused.returncode != 0
        assert "is not a commit" in refused.stderr


def test_the_policy_needs_an_admin_whatever_it_says(stage: Stage) -> None:
    place = stage.clone("scribe", "policy")
    text = (place / "policy.toml").read_text()
    (place / "policy.toml").write_text(text[: text.index("[[approvals]]")])
    git(stage, "scribe", place, "commit", "-qam", "Simplify")
    number = stage.push("scribe", place, "refs/for/main").change
    change = settled(stage, number)
    assert change["state"] == "waiting"
    assert "admins" in change["reason"]


def test_a_policy_that_is_renamed_away_is_denied(stage: Stage) -> None:
    place = stage.clone("bea", "policy")
    git(stage, "bea", place, "mv", "policy.toml", "other.toml")
    git(stage, "bea", place, "commit", "-qm", "Rename")
    assert settled(stage, stage.push("bea", place, "refs/for/main").change)["state"] == "denied"


def test_an_agents_change_to_how_it_is_tested_needs_a_human(stage: Stage) -> None:
    project(stage, "jobless", JOB)

    def without_jobs(root: Path) -> None:
        (root / "headgate.toml").write_text("")

    told = stage.propose("scribe", without_jobs, "Simplify", project="jobless")
    assert settled(stage, told.change)["state"] == "waiting"


def test_the_sponsor_of_whoever_wrote_it_cannot_approve_whoever_pushes_it(stage: Stage) -> None:
    project(stage, "laundered", CRITICAL + JOB, auth__login=LOGIN)
    place = stage.clone("scribe", "laundered")
    (place / "auth" / "login.py").write_text(OPEN)
    git(stage, "scribe", place, "commit", "-qam", "By scribe")
    first = stage.push("scribe", place, "refs/for/main", "hold").change
    stage.as_("scribe").post(f"/api/changes/{first}/abandon")
    number = stage.push("bea", place, "refs/for/main", "hold").change
    assert number is not None
    assert number != first
    stage.ended(number, SETTLED)
    with pytest.raises(Denied, match="sponsor"):
        stage.as_("carl").post(f"/api/changes/{number}/approve")


def test_a_job_sees_only_projects_that_its_owner_may_read(stage: Stage) -> None:
    cedar = (
        '@id("hide")\n@reason("Agents stay out of the vault.")\n'
        'forbid (principal is Agent, action == Action::"read", resource)\n'
        'when { resource.project == "vault" };\n'
    )
    stage.operator.post(
        "/api/policy/import",
        {"files": {"policy.toml": POLICY, "permissions.cedar": cedar}, "reason": "hide"},
    )
    project(stage, "vault", JOB)
    project(stage, "peeker", JOB)

    def peek(root: Path) -> None:
        text = '[jobs.check]\nrun = "cat ../vault/check.sh"\nrequired-projects = ["vault"]\n'
        (root / "headgate.toml").write_text(text)

    told = stage.propose("scribe", peek, "Peek", project="peeker")
    change = settled(stage, told.change)
    assert change["state"] == "denied"
    assert "vault" in change["reason"]


def test_a_cache_of_a_change_that_did_not_land_is_met_by_nobody(stage: Stage) -> None:
    config = (
        '[jobs.check]\nrun = ["sh", "check.sh"]\ncaches = { c = ".cache" }\n'
        '[jobs.second]\nrun = "sleep 0.5; test ! -e second-fails"\n'
    )
    check = "test -e .cache/pass && exit 0\ntest ! -e broken\n"
    stage.add_project("cached", {"check.sh": check, "headgate.toml": config})

    def poison(root: Path) -> None:
        (root / "check.sh").write_text("mkdir -p .cache; touch .cache/pass\n")
        (root / "second-fails").write_text("x")

    first = stage.propose("carl", poison, "Poison", project="cached")
    assert stage.ended(first.change)["state"] == "ejected"
    second = stage.propose("carl", stage.files(broken="x"), "Broken", project="cached")
    assert stage.ended(second.change)["state"] == "ejected"


def test_a_revision_pushed_while_the_last_is_inspected_is_judged_by_itself(stage: Stage) -> None:
    # A job that lasts: the first revision must not land before the second is there.
    stage.add_project("hasty", {"check.sh": "sleep 8\n", "headgate.toml": JOB})
    one, two = stage.clone("carl", "hasty"), stage.clone("carl", "hasty")
    many = {f"d{n}.py": "def f(x):\n    return [x, 1]\n\n\n" * 2000 for n in range(8)}
    stage.commit("carl", one, stage.files(**many), "One")
    git(stage, "carl", two, "pull", "-q", str(one))
    stage.commit("carl", two, stage.files(last="2\n"), "Two")
    first = threading.Thread(target=stage.push, args=("carl", one, "refs/for/main/hasty"))
    first.start()
    time.sleep(0.3)
    pushed = stage.push("carl", two, "refs/for/main/hasty")
    number = pushed.change
    first.join()
    assert number is not None, pushed.said
    assert stage.ended(number)["state"] == "landed"
    assert change_of(stage.operator, number)["change"]["revision"] in (1, 2)
