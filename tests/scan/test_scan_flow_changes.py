"""A change is judged with the rest of the project: data flows out of it and into it."""

from __future__ import annotations

from dataclasses import replace

from scan_work import Work

from headgate.model.finding import Outcome
from headgate.model.ids import Commit
from headgate.scan.change import gather
from headgate.scan.engine import Request, analyzers, examine
from headgate.scan.flow.dependents import concerned
from headgate.scan.front.lowered import lowered

HELPER = "import os\n\n\ndef run(text):\n    os.system(clean(text))\n\n\n"
SAFE = HELPER + "def clean(text):\n    return 'date'\n"
HARMFUL = HELPER + "def clean(text):\n    return text\n"
VIEW = (
    "from flask import Flask, request\nimport helper\napp = Flask(__name__)\n\n\n"
    "@app.get('/')\ndef view():\n    helper.run(request.args['c'])\n    return ''\n"
)


async def told(work: Work, base: str, head: str) -> list[tuple[str, str, int]]:
    gathered = await gather(work.repository, Commit(base), Commit(head))
    source, _ = examine(gathered.request, analyzers(b"k" * 32, None)[:2])
    return [(one.rule, one.span.path, one.span.line) for one in source.findings]


async def test_what_a_change_makes_reachable_in_a_file_that_it_leaves_alone(work: Work) -> None:
    base = work.commit({"helper.py": SAFE, "app.py": "x = 1\n"})
    head = work.commit({"app.py": VIEW})
    assert await told(work, base, head) == []
    base = work.commit({"helper.py": HARMFUL, "app.py": "x = 1\n"})
    head = work.commit({"app.py": VIEW})
    assert await told(work, base, head) == [("python/command-injection", "helper.py", 5)]


async def test_a_helper_that_stops_cleaning_is_found_by_those_that_call_it(work: Work) -> None:
    base = work.commit({"helper.py": SAFE, "app.py": VIEW})
    head = work.commit({"helper.py": HARMFUL})
    assert await told(work, base, head) == [("python/command-injection", "helper.py", 5)]


async def test_what_was_reachable_before_is_not_the_fault_of_the_change(work: Work) -> None:
    base = work.commit({"helper.py": HARMFUL, "app.py": VIEW})
    head = work.commit({"app.py": VIEW.replace("'c'", "'d'"), "other.py": "import helper\n"})
    assert await told(work, base, head) == []


async def test_a_new_caller_of_an_old_helper_is_the_fault_of_the_change(work: Work) -> None:
    other = VIEW.replace("/'", "/b'").replace("view", "other").replace("args['c']", "form['d']")
    base = work.commit({"helper.py": HARMFUL, "app.py": VIEW})
    head = work.commit({"app.py": VIEW + other})
    gathered = await gather(work.repository, Commit(base), Commit(head))
    source, _ = examine(gathered.request, analyzers(b"k" * 32, None)[:2])
    (one,) = source.findings
    assert (one.span.path, one.span.line) == ("helper.py", 5)
    assert (one.trace[0].span.path, one.trace[0].span.line) == ("app.py", 17)
    assert [way[0].span.line for way in one.ways] == [8]
    assert "The change brings data to it from line 17 of app.py." in one.message
    assert "Data comes here from 2 places." in one.message


async def test_a_caller_that_moved_or_got_another_name_is_not_new(work: Work) -> None:
    base = work.commit({"helper.py": HARMFUL, "app.py": VIEW})
    head = work.commit({"app.py": "x = 1\n" + VIEW.replace("view", "show")})
    assert await told(work, base, head) == []
    head = work.commit({"web.py": VIEW}, remove=("app.py",))
    assert await told(work, base, head) == []


async def test_a_changed_file_that_was_cut_off_is_not_known_to_be_clean(work: Work) -> None:
    long = "from flask import request\n\n\ndef f():\n    a = request.args['a']\n"
    long += "    b = 1\n" * 8_100
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"app.py": long})
    gathered = await gather(work.repository, Commit(base), Commit(head))
    source, _ = examine(gathered.request, analyzers(b"k" * 32, None)[:2])
    assert source.outcome is Outcome.UNKNOWN
    assert (
        "1 changed file could be examined in part only: app.py: the analysis of f" in source.reason
    )
    assert "headgate.toml" in source.reason
    excluded = replace(gathered.request, excluded=frozenset({"app.py"}))
    source, _ = examine(excluded, analyzers(b"k" * 32, None)[:2])
    assert source.outcome is Outcome.PASSED
    # A whole tree is told of as far as it was seen.
    whole, _ = examine(replace(gathered.request, base=None), analyzers(b"k" * 32, None)[:2])
    assert whole.outcome is Outcome.PASSED
    assert whole.reduced == ("app.py: the analysis of f was cut off",)


async def test_a_project_that_is_too_large_is_told_as_followed_in_part(work: Work) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"app.py": VIEW})
    gathered = await gather(work.repository, Commit(base), Commit(head))
    request = Request(gathered.request.head, gathered.request.base, unfollowed="(the rest): large")
    source, _ = examine(request, analyzers(b"k" * 32, None)[:2])
    assert source.reduced == ("(the rest): large",)


def test_a_change_concerns_those_that_import_it_and_those_that_it_imports() -> None:
    files = lowered(
        {
            "a.py": b"import b\n",
            "b.py": b"from pack import c\n",
            "pack/__init__.py": b"",
            "pack/c.py": b"from . import d\n",
            "pack/d.py": b"x = 1\n",
            "alone.py": b"import os\n",
        },
        None,
    )
    assert concerned(files, ["pack/c.py"]) == frozenset(files) - {"alone.py"}
    assert "alone.py" not in concerned(files, ["b.py"])
    assert concerned(files, ["alone.py"]) == {"alone.py"}
