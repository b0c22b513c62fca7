"""`headgate up`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory; by default $HEADGATE_DATA or ~/.local/share/headgate.",
)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any free one.")
@click.option("--slots", type=click.IntRange(1, 1024), help="Jobs at once.")
@click.option("--public-url", help="The address that people use, when a proxy stands in front.")
@click.option("--allow-network", is_flag=True, help="Listen on an address other than loopback.")
def up(data: Path | None, allow_network: bool, **given: Any) -> None:
    """Start the server: git, gate, jobs, pages and API in one process, until Ctrl-C."""
    import gc

    from headgate.cli.main import COLLECTING
    from headgate.server.serve import run
    from headgate.server.settings import default_data, load_settings

    gc.set_threshold(*COLLECTING)
    directory = data.expanduser() if data else default_data()
    run(load_settings(directory, allow_network=True if allow_network else None, **given))
