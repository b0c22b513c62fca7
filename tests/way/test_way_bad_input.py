"""Wrong things on purpose: each is answered by one clear sentence, and nothing is half done."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from way_support import Stage

from headgate.demo.real import publish_example
from headgate.demo.world import CAST, change_of, git_environment
from headgate.model.errors import HeadgateError

pytestmark = pytest.mark.sandbox


def test_a_push_to_a_project_that_does_not_exist(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    stage.commit("bea", place, stage.files(x="1\n"), "X")
    subprocess.run(
        ["git", "-C", str(place), "remote", "set-url", "origin", f"{stage.url}/git/none.git"],
        check=True,
    )
    pushed = stage.push("bea", place, "refs/for/main")
    assert not pushed.accepted
    assert "no project 'none'" in pushed.said


def test_a_change_without_commits(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    pushed = stage.push("bea", place, "refs/for/main")
    assert not pushed.accepted
    assert "no commits that main lacks" in pushed.said


def test_deleting_what_changes_are_pushed_to(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    bea = next(person for person in CAST if person.name == "bea")
    done = subprocess.run(
        ["git", "-C", str(place), "push", "origin", ":refs/for/main"],
        env=git_environment(bea, stage.url, stage.tokens["bea"]),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "refs/for/main cannot be deleted: give a change up" in done.stderr


def test_a_branch_that_is_not_there(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    stage.commit("bea", place, stage.files(x="1\n"), "X")
    pushed = stage.push("bea", place, "refs/for/mian")
    assert not pushed.accepted
    assert "Did you mean refs/for/main" in pushed.said


def test_an_unknown_push_option(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    stage.commit("bea", place, stage.files(x="1\n"), "X")
    pushed = stage.push("bea", place, "refs/for/main", "tpoic=x")
    assert not pushed.accepted
    assert "Did you mean topic" in pushed.said


def test_a_dependency_on_nothing(stage: Stage) -> None:
    said = stage.refused("bea", stage.files(x="1\n"), "X\n\nDepends-On: #99999")
    assert "names no change of this server" in said


def test_a_dependency_that_is_left_empty(stage: Stage) -> None:
    said = stage.refused("bea", stage.files(x="1\n"), "X\n\nDepends-On:")
    assert "A Depends-On: footer is empty. Write the number or the address" in said


def test_a_dependency_on_itself(stage: Stage) -> None:
    told = stage.propose("bea", stage.files(self_="1\n"), "Self", "hold", "topic=self")
    place = stage.clone("bea", "app")
    message = f"Self\n\nDepends-On: #{told.change}"
    stage.commit("bea", place, stage.files(self_="2\n"), message)
    pushed = stage.push("bea", place, "refs/for/main/self")
    assert not pushed.accepted
    assert "names the change itself" in pushed.said
    assert change_of(stage.operator, told.change)["change"]["revision"] == 1


def test_an_unrelated_history(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    subprocess.run(["git", "-C", str(place), "checkout", "-q", "--orphan", "new"], check=True)
    stage.commit("bea", place, stage.files(x="1\n"), "From nothing")
    pushed = stage.push("bea", place, "refs/for/main")
    assert not pushed.accepted
    assert "no history in common" in pushed.said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[jobs.check\n", "headgate.toml"),
        ('[jobs.check]\nrnu = "true"\n', "run"),
        (
            '[jobs.a]\nrun = "true"\nneeds = ["b"]\n[jobs.b]\nrun = "true"\nneeds = ["a"]\n',
            "circle",
        ),
        ('colour = "red"\n', "colour"),
    ],
)
def test_a_headgate_toml_that_cannot_be_used(stage: Stage, text: str, says: str) -> None:
    told = stage.propose("bea", stage.files(**{"headgate.toml": text}), "Break the configuration")
    assert "headgate.toml" in told.said
    assert says in told.said
    assert stage.ended(told.change)["state"] == "denied"


def test_a_job_whose_program_is_missing(stage: Stage) -> None:
    text = '[jobs.check]\nrun = ["no-such-program", "--version"]\n'
    told = stage.propose("bea", stage.files(**{"headgate.toml": text}), "Run what is not there")
    ended = stage.ended(told.change)
    assert ended["state"] == "ejected"
    assert "no-such-program" in ended["reason"]


def test_a_binary_file_is_fine(stage: Stage) -> None:
    told = stage.propose("bea", stage.files(blob=bytes(range(256)) * 64), "A binary file")
    assert stage.ended(told.change)["state"] == "landed"
    assert change_of(stage.operator, told.change)["diff"]


def test_a_file_of_more_than_50_megabytes(stage: Stage) -> None:
    before = stage.head()
    said = stage.refused("bea", stage.files(huge=os.urandom(51_000_000)), "Huge")
    assert "huge" in said
    assert "MB" in said
    assert stage.head() == before


def test_a_symlink_out_of_the_tree(stage: Stage) -> None:
    def edit(root: Path) -> None:
        (root / "escape").symlink_to("/etc/passwd")

    said = stage.refused("bea", edit, "Point outside")
    assert "escape" in said


def test_a_symlink_inside_the_tree_is_fine(stage: Stage) -> None:
    def edit(root: Path) -> None:
        (root / "link").symlink_to("check.sh")

    assert stage.ended(stage.propose("bea", edit, "Point inside").change)["state"] == "landed"


def test_weird_file_names_are_kept_and_shown_safely(stage: Stage) -> None:
    def edit(root: Path) -> None:
        (root / "new\nline").write_text("1\n")
        (root / 'quote"<b>').write_text("1\n")
        (Path(os.fsencode(root).decode()) / os.fsdecode(b"latin-\xe9")).write_text("1\n")

    told = stage.propose("bea", edit, "Weird names")
    assert stage.ended(told.change)["state"] == "landed"
    page = stage.operator.get(f"/changes/{told.change}.json")
    assert page["change"]["state"] == "landed"


def test_a_submodule_is_not_followed(stage: Stage) -> None:
    place = stage.clone("bea", "app")
    head = stage.head()
    subprocess.run(
        ["git", "-C", str(place), "update-index", "--add", "--cacheinfo", f"160000,{head},sub"],
        check=True,
    )
    run = ["git", "-C", str(place), "-c", "user.name=Bea", "-c", "user.email=bea@example.org"]
    subprocess.run([*run, "commit", "-q", "-m", "A submodule"], check=True)
    pushed = stage.push("bea", place, "refs/for/main")
    assert pushed.change is not None, pushed.said
    assert stage.ended(pushed.change)["state"] in ("landed", "denied")


def test_a_hard_coded_credential_is_denied_and_never_shown(stage: Stage) -> None:
    text = publish_example()
    secret = text.split('SECRET_ACCESS_KEY = "')[1].split('"')[0]
    told = stage.propose("coder", stage.files(**{"conf.py": text}), "Configure it")
    assert stage.ended(told.change)["state"] == "denied"
    assert "conf.py:" in told.said
    assert secret not in told.said
    found = change_of(stage.operator, told.change)
    assert secret not in str(found["checks"])
    assert secret not in str(stage.operator.get("/events.json"))


def test_an_injection_is_denied_with_place_cause_and_remedy(stage: Stage) -> None:
    code = 'import os\n\n\ndef f(x):\n    os.system(f"ls {x}")\n'
    told = stage.propose("coder", stage.files(**{"tool.py": code}), "List")
    ended = stage.ended(told.change)
    assert ended["state"] == "denied"
    assert "tool.py:5" in ended["reason"]


def test_a_dependency_that_nobody_approved(stage: Stage) -> None:
    told = stage.propose(
        "coder", stage.files(**{"requirements.txt": "left-padding-turbo==1.0\n"}), "Pad"
    )
    ended = stage.ended(told.change)
    assert ended["state"] == "denied"
    assert "left-padding-turbo" in ended["reason"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "App!"}, "not usable"),
        ({"name": "app"}, "already"),
        ({"name": "copy", "source": "/nowhere/at/all"}, "/nowhere/at/all"),
    ],
)
def test_a_project_that_cannot_be_added(stage: Stage, body: dict[str, str], says: str) -> None:
    with pytest.raises(HeadgateError, match=says):
        stage.operator.post("/api/projects", body)
    assert not (stage.data / "repositories" / "copy.git").exists()


def test_a_repository_without_commits_cannot_be_added(stage: Stage, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    with pytest.raises(HeadgateError) as refused:
        stage.operator.post("/api/projects", {"name": "empty", "source": str(tmp_path)})
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"policy.toml": "[groups"}, "policy.toml"),
        ({"policy.toml": "colour = 1\n"}, "colour"),
        ({"other.toml": ""}, "policy.toml"),
        ({"policy.toml": "", "permissions.cedar": "permit(nonsense"}, "permissions.cedar"),
    ],
)
def test_a_policy_that_is_none_leaves_the_old_one(
    stage: Stage, files: dict[str, str], says: str
) -> None:
    before = stage.operator.get("/api/policy")
    with pytest.raises(HeadgateError, match=says):
        stage.operator.post("/api/policy/import", {"files": files, "reason": "try"})
    assert stage.operator.get("/api/policy") == before
