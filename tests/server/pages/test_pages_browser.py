"""The pages in a real browser, under the real content security policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pages_serving import serving
from pages_story import Story
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

LOOKED_AT = (
    "/", "/changes", "/changes/1", "/changes/9", "/changes/10", "/changes/10/diff", "/jobs/6",
    "/jobs/4", "/projects", "/projects/jinja", "/principals", "/events", "/nowhere",
)  # fmt: skip


def chromium(playwright: Playwright) -> Browser:
    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(path).exists():
        pytest.skip(f"there is no browser at {path}")
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page, everything it complained about, and whom it asked."""

    page: Page
    complaints: list[str]
    asked: set[str]


@pytest.fixture
def visit(browser: Browser, story: Story) -> Iterator[Visit]:
    with serving(story.world, story.ada) as url:
        context = browser.new_context(
            base_url=url, viewport={"width": 1280, "height": 900}, color_scheme="light"
        )
        page = context.new_page()
        complaints: list[str] = []
        asked: set[str] = set()
        page.on(
            "console",
            lambda m: (
                complaints.append(f"{m.type}: {m.text}") if m.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("request", lambda r: asked.add(r.url.split("/")[2]))
        yield Visit(page, complaints, asked)
        assert {f"http://{host}" for host in asked} <= {url}, "an outside request"
        context.close()


def test_the_board_moves_without_a_reload(visit: Visit, story: Story) -> None:
    page = visit.page
    page.goto("/")
    page.locator('[data-live="on"]').wait_for()
    job = page.locator("#job-6")
    assert job.get_attribute("data-state") == "running"
    page.evaluate("document.querySelector('#item-3').kept = true")
    story.finish(6)  # type: ignore[arg-type]
    page.locator('#job-6[data-state="passed"]').wait_for(timeout=3000)
    assert page.evaluate("document.querySelector('#item-3').kept"), "it was morphed, not replaced"
    item = page.locator("#item-3")
    story.land(3)  # type: ignore[arg-type]
    item.wait_for(state="detached", timeout=3000)
    page.locator("#done-3").wait_for()
    assert visit.complaints == []


def test_what_landed_together_stands_on_one_line(visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    shown = page.evaluate("""() => {
        const link = document.querySelector(".done-meta")
            .appendChild(document.createElement("span"))
            .appendChild(document.createElement("a"));
        return getComputedStyle(link).display;
    }""")
    assert shown == "inline"


def test_elapsed_times_tick(visit: Visit) -> None:
    page = visit.page
    page.goto("/")
    time = page.locator("#job-6 .job-time")
    before = time.inner_text()
    page.wait_for_timeout(2100)
    assert time.inner_text() != before


def test_keys_move_and_open(visit: Visit) -> None:
    page = visit.page
    page.goto("/changes")
    for key in "jjk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/changes/10"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/changes/9")
    page.keyboard.press("?")
    assert page.locator("dialog#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#help").is_visible()
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/events")
    page.goto("/changes")
    page.keyboard.press("/")
    page.keyboard.type("jkg?")
    assert page.locator("input[name=q]").input_value() == "jkg?"


def test_focus_stays_on_its_item_while_the_board_moves(visit: Visit, story: Story) -> None:
    page = visit.page
    page.goto("/")
    page.locator('[data-live="on"]').wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/changes/4"
    story.finish(6)  # type: ignore[arg-type]
    page.locator('#job-6[data-state="passed"]').wait_for(timeout=3000)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/changes/4"


def test_a_log_grows_and_says_when_it_ended(visit: Visit, story: Story) -> None:
    page = visit.page
    page.goto("/jobs/6")
    page.locator('[data-live="on"]').wait_for()
    with story.world.log_path(6).open("a") as file:  # type: ignore[arg-type]
        file.write("\x1b[32mpassed\x1b[0m <script>document.title='gone'</script>\n")
    page.locator("#log .ansi-green").wait_for(timeout=3000)
    assert "<script>document.title" in page.locator("#log").inner_text()
    story.finish(6)  # type: ignore[arg-type]
    page.locator('#job-status .chip[data-state="passed"]').wait_for(timeout=3000)
    page.locator('[data-live="done"]').wait_for(timeout=3000)
    assert "collecting…" in page.locator("#log").inner_text()
    assert "Headgate" in page.title()
    assert visit.complaints == []


def test_a_half_written_comment_survives_an_update(visit: Visit, story: Story) -> None:
    page = visit.page
    page.goto("/changes/9")
    page.get_by_text("Approve revision 1").click()
    box = page.get_by_label("Comment")
    box.fill("I looked at the cookie")
    with story.world.db.write() as tx:
        from headgate.model.verdict import ApprovalBinding

        revision = tx.changes.current_revision(9)  # type: ignore[arg-type]
        binding = ApprovalBinding("markupsafe", 9, "main", revision.base, revision.head, "p")  # type: ignore[arg-type]
        tx.approvals.add(revision.id, story.bea.id, binding, "A second look")
    story.world.event("change.approved", "change/9", "bea")
    page.get_by_text("A second look").wait_for(timeout=3000)
    assert box.input_value() == "I looked at the cookie"
    assert box.is_visible()
    assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_and_complain_about_nothing(
    visit: Visit, width: int, scheme: str, tmp_path: Path
) -> None:
    page = visit.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 844 if width < 500 else 900})
    pictures = Path(os.environ.get("HEADGATE_PICTURES", tmp_path))
    for address in LOOKED_AT:
        page.goto(address)
        page.wait_for_timeout(250)
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{address} scrolls sideways by {over} px at {width} px"
        nav = "(n => n.scrollWidth - n.clientWidth)(document.querySelector('.top nav'))"
        assert page.evaluate(nav) <= 0, f"a place in the head of {address} is cut off"
        name = address.strip("/").replace("/", "-") or "board"
        page.screenshot(path=pictures / f"{name}-{width}-{scheme}.png", full_page=True)
    complaints = [c for c in visit.complaints if "404" not in c]
    assert complaints == []


def test_everything_reads_without_javascript(browser: Browser, story: Story) -> None:
    with serving(story.world, story.ada) as url:
        context = browser.new_context(base_url=url, java_script_enabled=False)
        page = context.new_page()
        page.goto("/")
        assert page.get_by_text("Escape lazily").is_visible()
        assert page.get_by_text("not live").is_visible()
        page.goto("/jobs/6")
        assert page.get_by_text("collecting…").is_visible()
        page.goto("/changes/9")
        page.get_by_text("Approve revision 1").click()
        assert page.get_by_label("Comment").is_visible(), "the form opens without a script"
        page.goto("/changes/10/diff")
        assert page.get_by_text("A string built from a parameter").is_visible()
        context.close()
