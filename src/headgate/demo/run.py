"""Runs the demonstration from an empty data directory to the verified log."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from headgate.cli.client import Client
from headgate.demo import bundled, real
from headgate.demo.script import Script, ScriptProblem
from headgate.demo.story import Story
from headgate.demo.teller import Output, Teller, print_object
from headgate.demo.world import World
from headgate.model.errors import CouldNotRun, ExitCode, HeadgateError

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a kill, and a terminal that was closed."""


class Stopped(Exception):
    """Asked to end by a signal; everything is cleaned up on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def run(output: Output) -> ExitCode:
    """Tell the whole story; CLEAN only when every step ended as it should.

    Raises CouldNotRun when something that it needs is missing.
    """
    teller = Teller(output)
    begun = time.monotonic()
    with _stoppable(), tempfile.TemporaryDirectory(prefix="headgate-story-") as scratch:
        script, online = choose_script(Path(scratch), teller)
        with World() as world:
            result = _tell(world, script, teller, Path(scratch), online)
    teller.say(f"Told in {time.monotonic() - begun:.0f} seconds; nothing of it is left behind.")
    if output is Output.JSON:
        print_object(result)
    return ExitCode.CLEAN if result["ok"] else ExitCode.FINDINGS


@contextlib.contextmanager
def _stoppable() -> Generator[None]:
    def stop(number: int, _: object) -> None:
        # The first one is enough: a second must not cut the cleaning short.
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    # What is ignored, as by nohup, stays so.
    before = {each: signal.getsignal(each) for each in STOPS}
    before = {each: old for each, old in before.items() if old is not signal.SIG_IGN}
    for each in before:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)


def choose_script(scratch: Path, teller: Teller) -> tuple[Script, bool]:
    """The story on real code, or, without a network, on the bundled projects."""
    archives = scratch / "archives"
    archives.mkdir()
    teller.say("Fetching the source distributions of MarkupSafe and Jinja with pip…")
    try:
        real.fetch(archives)
        script = real.script(archives)
        _rehearse(script, scratch / "rehearsal")
    except real.NoNetwork as error:
        teller.say(f"They cannot be fetched ({error}): the story is told on two small bundled")
        teller.say("projects instead.")
        return bundled.script(), False
    except ScriptProblem as error:
        teller.say(f"Their newest versions do not fit the story ({error}): it is told on two")
        teller.say("small bundled projects instead.")
        return bundled.script(), True
    names = ", ".join(sorted(f.name.removesuffix(".tar.gz") for f in archives.iterdir()))
    teller.say(f"Fetched {names}.")
    return script, True


def _rehearse(script: Script, place: Path) -> None:
    """Raises ScriptProblem unless every edit fits the projects."""
    provider, consumer = place / "provider", place / "consumer"
    for directory in (provider, consumer):
        directory.mkdir(parents=True)
    script.lay_out(provider, consumer)
    for role, edit in script.edits.items():
        root = provider if role in PROVIDER_ROLES else consumer
        copy = place / role
        shutil.copytree(root, copy, symlinks=True)
        if role == "critical-again":
            script.edits["critical"](copy)
        edit(copy)


PROVIDER_ROLES = frozenset({"innocent", "independent-provider", "breaks-consumer", "pair-provider"})


def _tell(
    world: World, script: Script, teller: Teller, scratch: Path, online: bool
) -> dict[str, Any]:
    teller.heading("Headgate starts with an empty data directory")
    teller.say(f"  pages: {world.url}")
    world.operator.post(
        "/api/policy/import",
        {"files": policy_files(script, online), "reason": "the policy of the demonstration"},
    )
    world.introduce()
    link = world.operator.post("/api/principals/bea/signin-link")["url"]
    teller.say(f"  to look at them while the story runs, sign in as bea: {link}")
    _add_projects(world, script, scratch, teller)
    for step in Story(world, script, teller).steps():
        step()
    teller.heading("What is left")
    landed = _proof(world.operator, teller)
    ledger = _verify(world, teller)
    teller.say()
    teller.table()
    ok = (
        all(step.as_told for step in teller.steps)
        and bool(landed)
        and all(entry["tested_tree"] == entry["landed_tree"] for entry in landed)
        and ledger["verified"]
    )
    teller.say("Every step ended as the story says." if ok else "NOT every step ended as told.")
    return {
        "ok": ok,
        "steps": [
            {
                "name": step.name,
                "expected": step.expected,
                "outcome": step.outcome,
                "seconds": round(step.seconds, 3),
            }
            for step in teller.steps
        ],
        "landed": landed,
        "ledger": ledger,
        "online": online,
    }


def policy_files(script: Script, online: bool) -> Mapping[str, str]:
    """The policy of the demonstration: one queue over both projects, approvals, packages."""
    from headgate.jobs.environments import digest_of_setup

    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    quoted = ", ".join(f'"{name}"' for name in script.approved)
    setups = ", ".join(f'"{digest_of_setup(setup)}"' for setup in script.setups)
    text = f"""\
[groups]
security = ["dora"]
maintainers = ["bea"]

[queues.main]
projects = ["{script.provider}", "{script.consumer}"]
branches = ["main"]

[[approvals]]
name = "critical-by-agent"
count = 1
groups = ["security"]
classes = ["critical.*"]
origins = ["ai", "mixed", "unknown"]

[dependencies]
humans = "warn"
agents = "deny"

[dependencies.approved]
pypi = [{quoted}]

[environments]
approved-setups = [{setups}]
"""
    if online:
        text += f'\n[dependencies.index]\npypi = "{index}"\n'
    return {"policy.toml": text}


def _add_projects(world: World, script: Script, scratch: Path, teller: Teller) -> None:
    import subprocess

    places = {name: scratch / "first" / name for name in (script.provider, script.consumer)}
    for place in places.values():
        place.mkdir(parents=True)
    script.lay_out(places[script.provider], places[script.consumer])
    identity = ("-c", "user.name=Bea Maintainer", "-c", "user.email=bea@example.org")
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    for name, place in places.items():
        for arguments in (
            ("init", "--quiet", "--initial-branch=main"),
            ("add", "--all"),
            (*identity, "commit", "--quiet", "-m", f"Import {name}"),
        ):
            done = subprocess.run(
                ["git", *arguments], cwd=place, env=env, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise CouldNotRun(f"git {arguments[0]} of {name} failed: {done.stderr.strip()}")
        world.operator.post("/api/projects", {"name": name, "source": str(place)})
        teller.say(f"  project {name}: {world.url}/projects/{name}")


def _proof(client: Client, teller: Teller) -> list[dict[str, Any]]:
    landed: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        page = client.get("/changes.json", {"state": "landed", "before": before})
        for line in page["changes"]:
            landing = client.get(f"/changes/{line['number']}.json")["landing"]
            landed.append(
                {
                    "project": landing["project"],
                    "change": line["number"],
                    "commit": landing["commit"],
                    "tested_tree": landing["tested_tree"],
                    "landed_tree": landing["landed_tree"],
                }
            )
        before = page["next"]
        if before is None:
            break
    for entry in reversed(landed):
        same = "=" if entry["tested_tree"] == entry["landed_tree"] else "≠"
        teller.say(
            f"  #{entry['change']} {entry['project']} {entry['commit'][:10]}: tested tree "
            f"{entry['tested_tree'][:10]} {same} landed tree {entry['landed_tree'][:10]}"
        )
    return landed


def _verify(world: World, teller: Teller) -> dict[str, Any]:
    try:
        found = world.operator.post("/api/audit/verify")
    except HeadgateError as error:
        teller.say(f"  headgate audit verify: {error}")
        return {"entries": 0, "verified": False}
    words = "verified" if found["verified"] else found["problem"]
    teller.say(f"  headgate audit verify: {found['entries']} entries, {words}")
    return {"entries": found["entries"], "verified": found["verified"]}
