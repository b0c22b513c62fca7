"""What job tables come to: extends, variants of a branch, matrix, and how mistakes are told."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.model.errors import BadInput
from headgate.model.job import JobDefinition, Step
from headgate.model.resolve import for_branch
from headgate.model.toml.project_file import parse_project

EVERY_KEY = """\
fail-fast = false

[jobs.base]
abstract = true
environment = "py"
env = {A = "1", B = "2"}
timeout = "2m"

[jobs.unit]
extends = "base"
run = ["pytest"]
pre = "make ready"
post = ["make", "tidy"]
pre-timeout = 30
env = {B = "3"}
reads = ["src/**", "lib:include/**"]
after = ["lint"]
provides = ["wheel"]
semaphores = ["db", "cloud"]
label = "gpu"
secrets = {TOKEN = "pypi"}
reuse = false
fail-on-output = ["^Traceback"]
pause = true
pipelines = ["check", "gate"]
compat = "zuul"

[jobs.lint]
run = "ruff check"
fail-fast = true

[jobs.publish]
run = "twine"
requires = ["wheel"]

[jobs.play]
ansible = ["playbooks/run.yaml"]
nodes = {controller = "big"}
"""


def jobs(text: str, branch: str = "") -> dict[str, JobDefinition]:
    return dict(for_branch(parse_project(text), branch).jobs)


def test_every_key_of_a_job() -> None:
    config = parse_project(EVERY_KEY)
    assert set(config.jobs) == {"unit", "lint", "publish", "play"}
    unit, lint = config.jobs["unit"], config.jobs["lint"]
    assert unit.argv == ("pytest",)
    assert unit.env == {"A": "1", "B": "3"}
    assert (unit.environment, unit.timeout) == ("py", 120.0)
    assert unit.pre == Step(script="make ready")
    assert unit.post == Step(argv=("make", "tidy"))
    assert (unit.pre_timeout, unit.post_timeout) == (30.0, 120.0)
    assert unit.shown("app", "app") == ("src/**",)
    assert unit.shown("lib", "app") == ("include/**",)
    assert unit.shown("docs", "app") == ()
    assert unit.after == ("lint",)
    assert unit.provides == ("wheel",)
    assert unit.semaphores == ("cloud", "db")
    assert (unit.label, unit.compat, unit.pause) == ("gpu", "zuul", True)
    assert unit.secrets == {"TOKEN": "pypi"}
    assert (unit.reuse, lint.reuse) == (False, True)
    assert unit.fail_on_output == ("^Traceback",)
    assert unit.pipelines == ("check", "gate")
    assert (unit.fail_fast, lint.fail_fast) == (False, True)
    assert lint.pipelines == ("gate",)
    play = config.jobs["play"]
    assert play.argv[0] == "ansible-playbook"
    assert play.argv[-1] == "playbooks/run.yaml"
    assert play.nodes == {"controller": "big"}


VARIANTS = """\
[jobs.unit]
run = ["new"]
env = {A = "1"}

[[jobs.unit.variants]]
branches = ["stable/*"]
run = ["old"]
env = {B = "2"}

[[jobs.unit.variants]]
branches = ["stable/1"]
run = false

[[jobs.unit.variants]]
branches = ["stable/3"]
attempts = 3
"""


def test_a_variant_overrides_on_its_branches_and_the_last_one_wins() -> None:
    assert jobs(VARIANTS, "main")["unit"].argv == ("new",)
    stable = jobs(VARIANTS, "stable/2")["unit"]
    assert stable.argv == ("old",)
    assert stable.env == {"A": "1", "B": "2"}
    assert jobs(VARIANTS, "stable/1") == {}
    assert jobs(VARIANTS, "stable/3")["unit"].attempts == 3


def test_a_job_takes_over_the_variants_of_what_it_extends_but_its_own_keys_win() -> None:
    text = VARIANTS + '[jobs.fast]\nextends = "unit"\nenv = {B = "9"}\n'
    fast = jobs(text, "stable/2")["fast"]
    assert fast.argv == ("old",)
    assert fast.env == {"A": "1", "B": "9"}
    own = text + 'run = ["mine"]\n'
    assert jobs(own, "stable/1")["fast"].argv == ("mine",)


def test_a_job_that_is_off_runs_only_where_a_variant_switches_it_on() -> None:
    text = "[jobs.a]\nrun = false\n[[jobs.a.variants]]\nbranches = ['next']\nrun = 'x'\n"
    assert jobs(text, "main") == {}
    assert jobs(text, "next")["a"].script == "x"


MATRIX = """\
[jobs.unit]
run = "pytest"
matrix = {python = ["3.11", "3.12"], db-kind = ["pg", "lite"], exclude = [{python = "3.11", db-kind = "lite"}]}

[jobs.report]
run = "x"
needs = ["unit"]
after = ["unit (3.12, pg)"]
"""  # noqa: E501


def test_a_matrix_is_one_job_for_each_combination() -> None:
    found = jobs(MATRIX)
    assert list(found) == ["unit (3.11, pg)", "unit (3.12, pg)", "unit (3.12, lite)", "report"]
    one = found["unit (3.12, lite)"]
    assert one.env == {"MATRIX_PYTHON": "3.12", "MATRIX_DB_KIND": "lite"}
    assert one.matrix == {"python": "3.12", "db-kind": "lite"}
    assert one.origin == "unit"
    assert found["report"].needs == ("unit (3.11, pg)", "unit (3.12, pg)", "unit (3.12, lite)")
    assert found["report"].after == ("unit (3.12, pg)",)


def test_waiting_softly_for_a_job_that_is_off_waits_for_nothing() -> None:
    off = "[jobs.a]\nrun = 'x'\n[[jobs.a.variants]]\nbranches = ['old']\nrun = false\n"
    text = off + "[jobs.b]\nrun = 'x'\nafter = ['a']\n"
    assert jobs(text, "old")["b"].after == ()
    assert jobs(text, "main")["b"].after == ("a",)


RUN = "[jobs.t]\nrun = 'x'\n"
CHAIN = "[jobs.j0]\nrun = 'x'\n" + "".join(
    f"[jobs.j{n}]\nextends = 'j{n - 1}'\n" for n in range(1, 40)
)
WIDE = ", ".join(f"'{n}'" for n in range(17))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RUN + "extends = 'u'", "headgate.toml:3: jobs.t.extends: there is no job `u`."),
        (
            RUN + "extends = 'u'\n[jobs.u]\nextends = 't'",
            "headgate.toml:5: jobs.u.extends: the jobs extend each other: t → u → t. Take one",
        ),
        (CHAIN, "leads through more than 32 jobs. Make the chain shorter."),
        (RUN + "extends = 'a b'", "jobs.t.extends: `a b` cannot be the name of a job"),
        ("[jobs.t]\nenv = {}", "headgate.toml:1: jobs.t: has no `run`. Give a command"),
        (RUN + "ansible = 'x.yaml'", "jobs.t.ansible: and `run` are both given. Keep one"),
        (RUN + "ansible = '../x.yaml'", "jobs.t.ansible: `../x.yaml` leads out of the project"),
        (RUN + "runn = 1", "jobs.t.runn: unknown key. Did you mean `run`?"),
        (RUN + "run2 = true", "unknown key"),
        ("[jobs.t]\nrun = true", "jobs.t.run: expected a list of strings, found `true`"),
        (RUN + "[[jobs.t.variants]]\nrun = 'y'", "jobs.t.variants[0]: has no `branches`"),
        (
            RUN + "[[jobs.t.variants]]\nbranches = ['a']",
            "headgate.toml:3: jobs.t.variants[0]: changes nothing.",
        ),
        (
            RUN + "[[jobs.t.variants]]\nbranches = ['a']\nextends = 'b'",
            "headgate.toml:5: jobs.t.variants[0].extends: unknown key.",
        ),
        (
            RUN + "[[jobs.t.variants]]\nbranches = ['a']\nneeds = ['u']",
            "headgate.toml:5: jobs.t.variants[0].needs: there is no job `u`.",
        ),
        (
            RUN
            + "[[jobs.t.variants]]\nbranches = ['a']\nrun = false\n"
            + "[jobs.u]\nrun = 'x'\nneeds = ['t']",
            "headgate.toml:8: jobs.u.needs: `t` is switched off on branch a. Switch this job off",
        ),
        (
            RUN + "needs = ['b']\n[jobs.b]\nabstract = true",
            "headgate.toml:3: jobs.t.needs: `b` is abstract and never runs.",
        ),
        (RUN + "matrix = {}", "headgate.toml:3: jobs.t.matrix: has no axes. Give one"),
        (RUN + "matrix = {a = []}", "headgate.toml:3: jobs.t.matrix.a: has no values."),
        (RUN + "matrix = {a = [1]}", "jobs.t.matrix.a: expected strings, found the number 1"),
        (RUN + "matrix = {a = ['x', 'x']}", "jobs.t.matrix.a: has `x` twice."),
        (RUN + "matrix = {a-b = ['x'], a_b = ['y']}", "a_b: and a-b are both $MATRIX_A_B."),
        (RUN + "matrix = {'ä' = ['x']}", "cannot be an axis. Use letters"),
        (RUN + f"matrix = {{a = [{WIDE}], b = [{WIDE}]}}", "has 289 combinations, more than 256"),
        (
            RUN + "matrix = {a = ['x'], exclude = [{a = 'x'}]}",
            "headgate.toml:3: jobs.t.matrix: everything is excluded. Leave at least one",
        ),
        (RUN + "matrix = {a = ['x'], exclude = [{b = 'x'}]}", "b: is no axis of this matrix."),
        (RUN + "matrix = {a = ['x'], exclude = [{a = 'y'}]}", "`y` is no value of it. Values: x."),
        (RUN + "matrix = {a = ['x'], exclude = [{}]}", "exclude[0]: leaves everything out."),
        (
            RUN + "matrix = {a = ['x']}\nenv = {MATRIX_A = '1'}",
            "jobs.t.matrix: and `env` both give $MATRIX_A. Rename one.",
        ),
        (
            RUN + "matrix = {" + ", ".join(f"a{n} = ['{'x' * 60}']" for n in range(5)) + "}",
            "longer than 250 characters. Use fewer axes or shorter values.",
        ),
        (RUN + "fail-on-output = ['(']", "jobs.t.fail-on-output: `(` is no regular expression"),
        (RUN + "fail-on-output = ['a(?=b)']", "`a(?=b)` looks around or back"),
        (RUN + "fail-on-output = ['(a)\\1']", "looks around or back"),
        (RUN + "reads = []", "jobs.t.reads: is empty."),
        (RUN + "reuse = 'no'", "headgate.toml:3: jobs.t.reuse: expected true or false"),
        (RUN + "reads = ['lib:../x']", "jobs.t.reads: `lib:../x` cannot be used"),
        (RUN + "secrets = {HEADGATE_X = 'a'}", "jobs.t.secrets: `HEADGATE_X` cannot be set"),
        (RUN + "secrets = {X = 'a b'}", "jobs.t.secrets: `a b` cannot be the name of a secret"),
        (RUN + "secrets = {X = 'a'}\nenv = {X = 'b'}", "jobs.t.secrets: `X` is in `env` too."),
        (RUN + "semaphores = ['a/b']", "`a/b` cannot be the name of a semaphore"),
        (RUN + "provides = ['../x']", "`../x` cannot be the name of an artifact"),
        (RUN + "label = ''", "jobs.t.label"),
        (RUN + "pipelines = []", "jobs.t.pipelines: is empty."),
        (RUN + "compat = 'jenkins'", "jobs.t.compat: `jenkins` is none of zuul."),
        (RUN + "pre = []", "jobs.t.pre: is empty."),
        (RUN + "pre = ['a\\u0000']".replace("'", '"'), "jobs.t.pre: holds a NUL character"),
        (RUN + 'env = {A = "b\\u0000"}', "jobs.t.env: A: holds a NUL character"),
        (RUN + "post-timeout = 0", "jobs.t.post-timeout: 0 seconds is not more than 0"),
        (
            RUN + "after = ['u']\n[jobs.u]\nrun = 'x'\nneeds = ['t']",
            "headgate.toml:3: jobs.t.after: the jobs wait for each other in a circle: t → u → t.",
        ),
        (
            RUN + "requires = ['w']\n[jobs.u]\nrun = 'x'\nneeds = ['t']\nprovides = ['w']",
            "jobs.t.requires: the jobs wait for each other in a circle: t → u → t.",
        ),
        ("fail-fast = 'no'", "headgate.toml:1: fail-fast: expected true or false"),
    ],
)
def test_mistakes_are_told_with_their_place_and_a_remedy(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_project(text)
    assert message in str(caught.value)
    assert caught.value.message.startswith("headgate.toml:")


def test_a_file_has_at_most_a_thousand_jobs() -> None:
    values = ", ".join(f'"{n}"' for n in range(16))
    one = f"run = 'x'\nmatrix = {{a = [{values}], b = [{values}]}}\n"
    text = "".join(f"[jobs.m{n}]\n{one}" for n in range(4))
    with pytest.raises(BadInput, match="m3: is one too many: at most 1000 jobs"):
        parse_project(text)


def _matrix(name: str, size: int, *needs: str, waits: str = "needs") -> str:
    values = ", ".join(f'"{n}"' for n in range(size))
    waiting = f"{waits} = {[*needs]}\n" if needs else ""
    return f"[jobs.{name}]\nrun = 'x'\nmatrix = {{x = [{values}]}}\n{waiting}"


@pytest.mark.parametrize("waits", ["needs", "after", "requires"])
def test_jobs_that_wait_for_too_many_others_are_refused_at_the_line_of_the_job(waits: str) -> None:
    first = _matrix("a", 142) + "provides = ['a']\n"
    with pytest.raises(BadInput) as caught:
        parse_project(first + _matrix("b", 142, "a", waits=waits))
    assert caught.value.message.startswith(
        "headgate.toml:5: jobs.b: waits for too many jobs: at most 20000 pairs"
    )
    assert "Put a job without a matrix between them" in caught.value.remedy
    jobs = parse_project(first + _matrix("b", 140, "a", waits=waits)).jobs
    assert len(jobs) == 282


def test_a_job_between_two_matrices_spares_their_pairs() -> None:
    between = "[jobs.all]\nrun = 'x'\nneeds = ['a']\n"
    jobs = parse_project(_matrix("a", 250) + between + _matrix("b", 250, "all")).jobs
    assert len(jobs["all"].needs) == 250
    assert jobs["b (7)"].needs == ("all",)


def test_a_large_file_with_many_variants_is_read_in_a_moment() -> None:
    names = "abcd"
    text = "".join(_matrix(name, 249) for name in names)
    text += "".join(f"[[jobs.a.variants]]\nbranches = ['b{n}']\nattempts = 2\n" for n in range(200))
    began = time.process_time()
    config = parse_project(text)
    # About a third of a second; it was more than ten when every branch was tried out.
    assert time.process_time() - began < 3
    assert for_branch(config, "b199").jobs["a (0)"].attempts == 2


def test_a_branch_that_nobody_tried_is_refused_when_it_is_met() -> None:
    text = (
        "[jobs.t]\nrun = 'x'\n[[jobs.t.variants]]\nbranches = ['a*b?']\nattempts = 2\n"
        "[[jobs.t.variants]]\nbranches = ['*bb']\nrun = false\n"
        "[jobs.u]\nrun = 'x'\nneeds = ['t']\n"
        "[[jobs.u.variants]]\nbranches = ['xbb']\nrun = false\n"
    )
    config = parse_project(text)
    assert set(for_branch(config, "xbb").jobs) == set()
    with pytest.raises(BadInput, match=r"jobs\.u\.needs: `t` is switched off on branch aabb"):
        for_branch(config, "aabb")


_AXES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3, unique=True),
    min_size=1,
)


@given(_AXES, st.data())
def test_a_matrix_holds_exactly_what_is_not_excluded(
    axes: dict[str, list[str]], data: st.DataObject
) -> None:
    everything = [
        dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())
    ]
    out = data.draw(st.lists(st.sampled_from(everything), max_size=3))
    shown = ", ".join(f"{axis} = {values!r}" for axis, values in axes.items())
    rows = ", ".join("{" + ", ".join(f"{k} = {v!r}" for k, v in one.items()) + "}" for one in out)
    text = f"[jobs.t]\nrun = 'x'\nmatrix = {{{shown}, exclude = [{rows}]}}\n"
    left = [one for one in everything if one not in out]
    if not left:
        with pytest.raises(BadInput, match="everything is excluded"):
            parse_project(text)
        return
    assert [dict(job.matrix) for job in jobs(text).values()] == left
