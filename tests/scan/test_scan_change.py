"""What a change introduces, and what it does not."""

from __future__ import annotations

from pathlib import Path

from scan_work import Work, github_token, password

from headgate.model.finding import CheckResult, Outcome
from headgate.model.ids import Commit
from headgate.scan.change import scan_change
from headgate.scan.runner import ScanRunner

SHELL = 'import os\n\n\ndef show(name):\n    os.system(f"ls {name}")\n'


def rules_of(results: tuple[CheckResult, ...]) -> list[str]:
    return [finding.rule for result in results for finding in result.findings]


async def scan(
    work: Work, base: str, head: str, runner: ScanRunner, *exclude: str
) -> tuple[CheckResult, ...]:
    return await scan_change(
        work.repository, Commit(base), Commit(head), exclude=exclude, runner=runner
    )


async def test_a_shell_injection_is_told_with_place_cause_and_remedy(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"app.py": SHELL})
    source, secrets = await scan(work, base, head, runner)
    (finding,) = source.findings
    assert source.check == "source"
    assert source.outcome is Outcome.FAILED
    assert finding.rule == "python/shell-injection"
    assert (finding.span.path, finding.span.line, finding.span.column) == ("app.py", 5, 15)
    assert finding.severity.word == "high"
    assert finding.cwe == 78
    assert "shell" in finding.message
    assert finding.remedy
    assert finding.excerpt == '    os.system(f"ls {name}")'
    assert finding.identity
    assert secrets.outcome is Outcome.PASSED
    assert secrets.findings == ()


async def test_what_was_there_before_is_not_the_fault_of_the_change(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": SHELL})
    head = work.commit({"app.py": "# a new head line\n\n" + SHELL + "\n\ny = 2\n"})
    assert rules_of(await scan(work, base, head, runner)) == []


async def test_a_renamed_file_brings_nothing_new(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": SHELL})
    work.git("mv", "app.py", "moved.py")
    head = work.commit({"moved.py": "import sys\n" + SHELL})
    assert rules_of(await scan(work, base, head, runner)) == []


async def test_a_second_copy_is_new(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": SHELL})
    copy = SHELL + '\n\ndef other(name):\n    os.system(f"ls {name}")\n'
    head = work.commit({"app.py": copy})
    source, _ = await scan(work, base, head, runner)
    (finding,) = source.findings
    assert finding.span.line == 9


async def test_a_secret_is_found_and_never_shown(work: Work, runner: ScanRunner) -> None:
    token = github_token()
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit(
        {
            "app.py": f'import os\nTOKEN = "{token}"\n'
            f"os.system(f\"curl -H 'Bearer {token}' {{x}}\")\n"
        }
    )
    results = await scan(work, base, head, runner)
    assert rules_of(results).count("secret/github-pat") == 2
    assert "python/shell-injection" in rules_of(results)
    assert token not in repr(results)
    assert token[:12] not in repr(results)
    assert all("****" in f.excerpt for result in results for f in result.findings)


async def test_a_secret_replaced_by_another_is_a_new_leak(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"settings.py": f'PASSWORD = "{password(1)}"\n'})
    same = work.commit({"settings.py": f'# comment\nPASSWORD = "{password(1)}"\n'})
    other = work.commit({"settings.py": f'PASSWORD = "{password(2)}"\n'})
    assert rules_of(await scan(work, base, same, runner)) == []
    assert rules_of(await scan(work, base, other, runner)) == ["secret/hard-coded-password"]


async def test_a_secret_that_a_later_commit_takes_out_is_still_found(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    leak = work.commit({"settings.ini": f"password = {password()}\n"})
    head = work.commit({"settings.ini": "password = ${PASSWORD}\n"})
    _, secrets = await scan(work, base, head, runner)
    (finding,) = secrets.findings
    assert secrets.outcome is Outcome.FAILED
    assert leak[:10] in finding.message
    assert "rebase" in finding.remedy
    assert password() not in repr(secrets)


async def test_a_secret_in_many_commits_is_told_once(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    work.commit({"settings.ini": f"password = {password()}\n"})
    head = work.commit({"settings.ini": f"a = 1\npassword = {password()}\n"})
    assert rules_of(await scan(work, base, head, runner)) == ["secret/hard-coded-password"]


async def test_excluded_files_are_left_out_of_the_source_check_only(
    work: Work, runner: ScanRunner
) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    head = work.commit({"gen/a.py": SHELL + f'PASSWORD = "{password()}"\n'})
    results = await scan(work, base, head, runner, "gen/**")
    assert rules_of(results) == ["secret/hard-coded-password"]


async def test_what_was_not_examined_is_said(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    work.write({"picture.bin": b"\0\1\2", "big.txt": "a\n" * 1_100_000})
    (work.path / "link").symlink_to("/etc/passwd")
    head = work.commit({})
    source, secrets = await scan(work, base, head, runner)
    skipped = "\n".join(source.skipped)
    assert "picture.bin: binary" in skipped
    assert "big.txt: larger than 2 MB" in skipped
    assert "link: symbolic link" in skipped
    assert "3 files not examined" in source.reason
    assert source.outcome is Outcome.PASSED
    assert (secrets.outcome, secrets.skipped) == (Outcome.PASSED, ())


async def test_weird_file_names_come_through(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    name = b"new\nline \xff.py"
    (Path(work.path).joinpath(name.decode("utf-8", "surrogateescape"))).write_text(SHELL)
    head = work.commit({})
    source, _ = await scan(work, base, head, runner)
    assert source.findings[0].span.path.encode("utf-8", "surrogateescape") == name


async def test_the_first_commits_of_a_branch_and_merges(work: Work, runner: ScanRunner) -> None:
    base = work.commit({"app.py": "x = 1\n"})
    work.git("checkout", "-q", "-b", "topic")
    work.commit({"b.py": "y = 1\n"})
    work.git("checkout", "-q", "main")
    work.commit({"c.py": SHELL})
    work.git("checkout", "-q", "topic")
    work.git("merge", "-q", "--no-edit", "main")
    head = work.git("rev-parse", "HEAD")
    main = work.git("rev-parse", "main")
    assert rules_of(await scan(work, main, head, runner)) == []
    assert rules_of(await scan(work, base, head, runner)) == ["python/shell-injection"]
