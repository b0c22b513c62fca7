"""headgate.toml: what a full one means, and how each mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.config import PathClass, ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.project import Context
from headgate.model.queue import MergeMode
from headgate.model.toml.project_file import parse_project

FULL = """\
context = "experimental"
merge = "squash"

[classes]
critical.auth = ["src/auth/**", "src/keys.py"]
critical.money.cards = "src/cards/"
docs = ["docs/"]

[checks]
exclude = ["tests/fixtures/**"]

[jobs.lint]
run = "ruff check ."
voting = false

[jobs.tests]
run = ["python", "-m", "pytest"]
files = ["src/**"]
irrelevant-files = ["docs/**"]
needs = ["lint"]
timeout = "10m"
attempts = 2
required-projects = ["markupsafe"]
environment = "py"
env = {A = "b", EMPTY = ""}
artifacts = ["report.xml"]
caches = {pip = ".cache/pip"}
network = true
memory = "512M"

[environments.py]
setup = "python3 -m venv $HEADGATE_ENV"
inputs = ["requirements.txt"]
timeout = 60
"""


def test_a_full_file() -> None:
    config = parse_project(FULL)
    assert config.context is Context.EXPERIMENTAL
    assert config.merge_mode is MergeMode.SQUASH
    assert config.classes == (
        PathClass("critical.auth", ("src/auth/**", "src/keys.py")),
        PathClass("critical.money.cards", ("src/cards/",)),
        PathClass("docs", ("docs/",)),
    )
    assert config.exclude == ("tests/fixtures/**",)
    lint, tests = config.jobs["lint"], config.jobs["tests"]
    assert (lint.argv, lint.script, lint.voting) == ((), "ruff check .", False)
    assert tests.argv == ("python", "-m", "pytest")
    assert tests.needs == ("lint",)
    assert tests.timeout == 600.0
    assert tests.memory == 512 << 20
    assert tests.env == {"A": "b", "EMPTY": ""}
    assert tests.caches == {"pip": ".cache/pip"}
    assert tests.line == 16
    assert config.environments["py"].timeout == 60.0
    assert config.environments["py"].line == 31


def test_an_empty_file_is_the_defaults() -> None:
    assert parse_project("") == ProjectConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = [1,\nb", "headgate.toml:2: this is not TOML at column 1"),
        ("a =", "headgate.toml:1: this is not TOML at the end of the file"),
        ("a = 1\na = 2", "headgate.toml:2: this is not TOML"),
        ("x = " + "[" * 4000, "headgate.toml:1: nests too deeply"),
        ("x = " + "9" * 5000, "headgate.toml:1: this is not TOML"),
        ("#" * (1 << 20) + "#", "headgate.toml:1: is larger than 1 MB"),
        ("\nmrege = 'squash'", "headgate.toml:2: mrege: unknown key. Did you mean `merge`?"),
        (
            "zzz = 1",
            "Known keys: checks, classes, context, dependencies, environments, fail-fast, jobs",
        ),
        ("context = 'prod'", "headgate.toml:1: context: `prod` is none of experimental, produc"),
        ("context = 3", "context: expected a string, found the number 3."),
        ("jobs = 3", "headgate.toml:1: jobs: expected a table, found the number 3."),
        ("[jobs]\ntests = 'x'", "headgate.toml:2: jobs.tests: expected a table"),
        ("[jobs.tests]\nvoting = true", "headgate.toml:1: jobs.tests: has no `run`."),
        ("[jobs.t]\nrun = []", "headgate.toml:2: jobs.t.run: is empty."),
        ("[jobs.t]\nrun = ''", "headgate.toml:2: jobs.t.run: is empty."),
        ("[jobs.t]\nrun = [\n'a',\n3]", "headgate.toml:4: jobs.t.run: expected strings"),
        ('[jobs.t]\nrun = ["a\\u0000b"]', "holds a NUL character"),
        ("[jobs.t]\nrun='x'\ntimout = 3", "headgate.toml:3: jobs.t.timout: unknown key. Did you"),
        ("[jobs.t]\nrun='x'\ntimeout = 0", "0 seconds is not more than 0"),
        ("[jobs.t]\nrun='x'\ntimeout = inf", "inf seconds is not more than 0"),
        ("[jobs.t]\nrun='x'\ntimeout = nan", "nan seconds is not more than 0"),
        ("[jobs.t]\nrun='x'\ntimeout = '10 minutes'", "expected a number of seconds, or text"),
        ("[jobs.t]\nrun='x'\nattempts = 99", "99 is not between 1 and 10"),
        ("[jobs.t]\nrun='x'\nattempts = true", "expected a whole number, found `true`"),
        ("[jobs.t]\nrun='x'\nvoting = 1", "expected true or false, found the number 1"),
        ("[jobs.t]\nrun='x'\nmemory = '1K'", "must be at least 16M"),
        ("[jobs.t]\nrun='x'\nneeds = ['u']", "headgate.toml:3: jobs.t.needs: there is no job `u`"),
        ("[jobs.t]\nrun='x'\nenv = {A = 1}", "A: expected a string, found the number 1"),
        ("[jobs.t]\nrun='x'\nenv = {'A B' = '1'}", "`A B` cannot be set"),
        ("[jobs.t]\nrun='x'\nenv = {HEADGATE_JOB = '1'}", "`HEADGATE_JOB` cannot be set"),
        ("[jobs.t]\nrun='x'\nenv = []", "expected a table of strings, found a list"),
        ("[jobs.t]\nrun='x'\ncaches = {a = '../b'}", "`../b` leads out of the project"),
        ("[jobs.t]\nrun='x'\nfiles = ['a', 'b**']", "the pattern `b**` cannot be used: ** must"),
        ("[jobs.'a b']\nrun='x'", 'jobs."a b": cannot be the name of a job'),
        ("[classes]\na = []", "headgate.toml:2: classes.a: has no patterns"),
        ("[classes]\na = 1979-05-27", "expected a list of strings, found a date or time"),
        ("[checks]\nexclude = ['../x']", "headgate.toml:2: checks.exclude: the pattern `../x`"),
        ("[checks]\nexlude = []", "Did you mean `exclude`?"),
        ("[environments.py]\ninputs=['a']", "environments.py: has no `setup`"),
        ("[environments.py]\nsetup='a'\ninputs=['/etc/passwd']", "is not a relative path"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_project(text)
    assert message in str(caught.value)


def test_jobs_that_wait_for_each_other() -> None:
    text = "".join(f"[jobs.{a}]\nrun='x'\nneeds=['{b}']\n" for a, b in ["ab", "bc", "ca"])
    with pytest.raises(BadInput, match=r"circle: a → b → c → a\."):
        parse_project(text)
    with pytest.raises(BadInput, match=r"circle: a → a\."):
        parse_project("[jobs.a]\nrun='x'\nneeds=['a']")


def test_jobs_that_share_what_they_need_are_fine() -> None:
    text = "[jobs.a]\nrun='x'\nneeds=['b','c']\n[jobs.b]\nrun='x'\nneeds=['d']\n"
    text += "[jobs.c]\nrun='x'\nneeds=['d']\n[jobs.d]\nrun='x'\n"
    assert set(parse_project(text).jobs) == set("abcd")


def test_the_file_is_named_as_the_caller_calls_it() -> None:
    with pytest.raises(BadInput, match=r"^jinja/headgate\.toml:1: "):
        parse_project("zzz = 1", "jinja/headgate.toml")


@given(st.text(alphabet=st.sampled_from(list("jobs.[]{}='\"\n#a1,\\ ")), max_size=60))
def test_any_text_is_either_taken_or_told(text: str) -> None:
    told = ""
    try:
        parse_project(text)
    except BadInput as error:
        told = error.message
    assert not told or told.startswith("headgate.toml:")


@given(st.dictionaries(st.from_regex(r"[a-f]", fullmatch=True), st.sets(st.sampled_from("abcdef"))))
def test_a_circle_is_found_exactly_when_there_is_one(needs: dict[str, set[str]]) -> None:
    known = {job: sorted(n for n in wants if n in needs) for job, wants in needs.items()}
    text = "".join(f"[jobs.{job}]\nrun = 'x'\nneeds = {wants}\n" for job, wants in known.items())
    left = dict(known)
    while ready := [job for job, wants in left.items() if not any(n in left for n in wants)]:
        for job in ready:
            del left[job]
    if left:
        with pytest.raises(BadInput, match="circle"):
            parse_project(text)
    else:
        parse_project(text)


@pytest.mark.parametrize("mode", list(MergeMode))
def test_every_way_to_land_can_be_chosen(mode: MergeMode) -> None:
    assert parse_project(f'merge = "{mode}"\n').merge_mode is mode
