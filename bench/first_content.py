"""How soon the queue page shows live content, in a real browser against a real server.

    python bench/first_content.py [--rounds N] [--items N] [--json]

Three times are told, each from the moment at which the browser begins to navigate: the first item
is on the page (it is part of the HTML), the stream is connected, and the first live message has
been swapped in.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests/server/pages"))

from pages_full_story import full_story
from pages_serving import serving
from pages_story import Story
from pages_world import open_world

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AIM = 500.0
"""Milliseconds until the first live content."""

WATCH = """
window.seen = {};
const note = (name) => { if (!(name in window.seen)) window.seen[name] = performance.now(); };
new MutationObserver(() => { if (document.querySelector(".item")) note("item"); })
  .observe(document, {childList: true, subtree: true});
document.addEventListener("htmx:sse:after:connection", () => note("connected"));
document.addEventListener("htmx:sse:after:message", () => note("live"));
"""


def fill(story: Story, items: int) -> None:
    """Bring the queue to `items` items in line."""
    for number in range(max(0, items - 6)):
        change, _ = story.propose(f"Change number {number} of many")
        story.judge(change)
        story.enqueue(change)


def measure(rounds: int, items: int) -> dict[str, object]:
    times: dict[str, list[float]] = {"item": [], "connected": [], "live": []}
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        world = open_world(Path(directory) / "data")
        story = full_story(world)
        fill(story, items)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=ARGUMENTS
        )
        with serving(world, story.ada) as url:
            for _ in range(rounds + 1):
                context = browser.new_context()  # nothing cached
                page = context.new_page()
                page.add_init_script(WATCH)
                page.goto(url)
                while not page.evaluate("'live' in window.seen"):
                    page.wait_for_timeout(150)  # the page keeps the time, not this loop
                for name, values in page.evaluate("window.seen").items():
                    times[name].append(values)
                context.close()
        browser.close()
        world.db.close()
    # The first round warms up server and browser; it is told apart.
    return {
        "rounds": rounds,
        "items": items,
        "cold_ms": {name: round(values[0], 1) for name, values in times.items()},
        "median_ms": {
            name: round(statistics.median(values[1:]), 1) for name, values in times.items()
        },
        "best_ms": {name: round(min(values[1:]), 1) for name, values in times.items()},
        "worst_ms": {name: round(max(values[1:]), 1) for name, values in times.items()},
        "load": os.getloadavg()[0],
        "aim_ms": AIM,
        "ok": statistics.median(times["live"][1:]) <= AIM,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="First live content of the queue page.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, arguments.items)
    if arguments.json:
        print(json.dumps(found))
    else:
        print(f"first content of the queue page, {found['items']} items in line, nothing cached")
        for name in ("cold_ms", "best_ms", "median_ms", "worst_ms"):
            print(f"  {name:10} {found[name]}")
        print(f"  load of the machine {found['load']:.1f} on {os.cpu_count()} processors")
        print(f"  aim: live <= {AIM:.0f} ms: {'reached' if found['ok'] else 'MISSED'}")
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
