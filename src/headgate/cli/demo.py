"""`headgate demo`: the whole story on real code."""

from __future__ import annotations

import contextlib
import sys

import click


@click.command()
@click.option("--headless", is_flag=True, help="Do not wait or ask for anything.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; text goes to stderr.")
def demo(headless: bool, as_json: bool) -> None:
    """Tell Headgate's story on the real code of MarkupSafe and Jinja.

    Starts a server with an empty data directory, lets humans and agents push changes, shows what
    becomes of each, and removes everything again. Exits with 0 only when every step ended as the
    story says.
    """
    from headgate.demo.run import Stopped, run
    from headgate.demo.teller import Output

    del headless  # It never waits; the option says so where scripts want it said.
    try:
        code = run(Output.JSON if as_json else Output.TEXT)
    except Stopped as stopped:
        with contextlib.suppress(OSError):  # The terminal may be what is gone.
            click.echo("\nheadgate: stopped; everything was cleaned up.", err=True)
        sys.exit(stopped.exit_code)
    sys.exit(int(code))
