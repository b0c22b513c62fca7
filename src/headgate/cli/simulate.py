"""`headgate simulate`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headgate.cli.output import emit, json_option, say, table
from headgate.model.errors import BadInput, CouldNotRun

if TYPE_CHECKING:
    from headgate.gate.simulate.compare import Question

POLICIES = ("oracle", "single", "chain", "optimistic", "submitqueue", "ours")
ON_REQUEST = ("service",)
"""Not among `all`: each simulated hour takes seconds."""
_SHOWN = (
    ("P50", "p50_over_oracle"),
    ("P95", "p95_over_oracle"),
    ("P99", "p99_over_oracle"),
    ("BUILDS/CHANGE", "builds_per_change"),
    ("DECIDED", "decided"),
    ("LANDED", "landed"),
    ("UNTESTED", "untested_landings"),
)
MOST_ARRIVALS = 20_000


@click.command()
@click.option("--mix", type=click.Choice(["hard", "easy"]), help="Kind of synthetic work.")
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 10_000),
    default=60.0,
    show_default=True,
    help="Changes per hour.",
)
@click.option(
    "--slots",
    type=click.IntRange(1, 10_000),
    default=60,
    show_default=True,
    help="Builds that run at once.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0.01, 1000),
    default=4.0,
    show_default=True,
    help="How long changes arrive.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--policy",
    "names",
    type=click.Choice((*POLICIES, *ON_REQUEST)),
    multiple=True,
    help="Only this one, beside the oracle; can be repeated. By default all but `service`, which "
    "is the queue service itself and takes longer.",
)
@click.option(
    "--trace",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A CSV of arrival_s,duration_s,targets,outcome instead of --mix.",
)
@click.option(
    "--replay", is_flag=True, help="What this machine's own gate lived through instead of --mix."
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots."
)
@json_option
def simulate(
    mix: str | None,
    rate: float,
    slots: int,
    hours: float,
    seed: int,
    names: tuple[str, ...],
    trace: Path | None,
    replay: bool,
    html: Path | None,
) -> None:
    """Run policies side by side on the same work, in simulated time.

    Turnaround is told as a multiple of an oracle's, which knows every outcome beforehand.
    `untested` counts landings whose content had not passed: it must be 0. The exit code is 1
    when it is not.
    """
    from headgate.gate.simulate.compare import compare

    if sum((mix is not None, trace is not None, replay)) > 1:
        raise BadInput("--mix, --trace and --replay exclude each other.", "Give one of them.")
    question = _question(mix or "hard", rate, slots, hours, seed, trace, replay)
    count = len(question.world.arrivals)
    if count > MOST_ARRIVALS:
        raise BadInput(
            f"{count} changes are more than the {MOST_ARRIVALS} that are simulated at once.",
            "Give a lower --rate, fewer --hours, or a shorter trace.",
        )
    if "service" in names:
        _complaints_to_standard_error()
    results = compare(question, names or POLICIES)
    oracle = results["oracle"]
    shown = {n: r.summary(oracle, count) for n, r in results.items() if not names or n in names}
    settings: dict[str, object] = {
        **question.world.settings,
        "slots": slots,
        "seed": seed,
        "changes": count,
    }
    rows = [(name, *(summary[key] for _, key in _SHOWN)) for name, summary in shown.items()]
    told = ", ".join(f"{key} {value}" for key, value in settings.items())
    lines = [told, "", *table(("POLICY", *(head for head, _ in _SHOWN)), rows)]
    lines.append("P50, P95, P99: turnaround as a multiple of the oracle's.")
    if html is not None:
        from headgate.gate.simulate.page import page

        try:
            kept = {n: r for n, r in results.items() if n in shown}
            html.write_text(page(settings, kept, shown), "utf-8")
        except OSError as error:
            raise CouldNotRun(
                f"{html} cannot be written: {error.strerror}.", "Name another file for --html."
            ) from None
        lines.append(f"The plots are in {html}.")
    emit({"settings": settings, "policies": shown}, *lines)
    if any(summary["untested_landings"] for summary in shown.values()):
        say("Something landed that had not been tested: this is a defect of Headgate.")
        raise click.exceptions.Exit(1)


def _complaints_to_standard_error() -> None:
    """The service logs what goes wrong; standard output is for the result."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _question(
    mix: str,
    rate: float,
    slots: int,
    hours: float,
    seed: int,
    trace: Path | None,
    replay: bool,
) -> Question:
    from headgate.gate.simulate.compare import Question, synthetic
    from headgate.gate.simulate.world import Mix

    if trace is not None:
        from headgate.gate.simulate.trace import read_trace

        return Question(read_trace(trace), slots, seed)
    if replay:
        from headgate.cli.audit_file import with_events
        from headgate.cli.client import data_directory
        from headgate.gate.simulate.replay import replay as lived

        world = with_events(data_directory(os.environ) / "headgate.db", lived)
        return Question(world, slots, seed)
    if rate * hours > MOST_ARRIVALS:
        raise BadInput(
            f"{rate:g} changes an hour over {hours:g} hours are more than the {MOST_ARRIVALS} that "
            "are simulated at once.",
            "Give a lower --rate or fewer --hours.",
        )
    return synthetic(Mix(mix), rate=rate, slots=slots, hours=hours, seed=seed)
