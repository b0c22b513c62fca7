"""`headgate login`, `logout`, `whoami` and `signin-link`."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import click

from headgate.cli.client import Client, Target, checked_url, connect, segment
from headgate.cli.credentials import load_credentials, save_credentials
from headgate.cli.output import duration, emit, json_option, say
from headgate.model.errors import BadInput, NotFound

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@click.command()
@click.argument("url")
@click.option("--token", default="", help="The token; by default it is asked for or read.")
@json_option
def login(url: str, token: str) -> None:
    """Save a token for the server at URL, which becomes the one that commands speak to.

    Without --token it is asked for, or read from standard input when that is no terminal.
    """
    url = checked_url(url)
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        click.echo(
            f"headgate: {url} is not encrypted; whoever sees the traffic can take the token.",
            err=True,
        )
    token = token or _asked()
    known = Client(Target(url, token=token)).get("/api/whoami")
    file = save_credentials(os.environ, load_credentials(os.environ).with_token(url, token))
    name = known["principal"]["name"]
    emit(
        {"url": url, "principal": known["principal"], "file": str(file)},
        f"Signed in to {url} as {name}; the token is in {file}.",
    )


def _asked() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Token", hide_input=True, err=True)).strip()
    token = sys.stdin.readline().strip()
    if not token:
        raise BadInput("No token was given.", "Write it to standard input, or say --token.")
    return token


@click.command()
@click.argument("url", default="")
@json_option
def logout(url: str) -> None:
    """Forget a saved token.

    It is that for URL, by default for the server that commands speak to.
    """
    credentials = load_credentials(os.environ)
    url = checked_url(url) if url else credentials.default
    if url not in credentials.tokens:
        raise NotFound(f"There is no saved token for {url}." if url else "There is no saved token.")
    left = credentials.without(url)
    save_credentials(os.environ, left)
    lines = [f"The token for {url} is forgotten here; `headgate token revoke` ends it for good."]
    if left.default:
        lines.append(f"Commands now speak to {left.default}.")
    emit({"url": url, "default": left.default or None}, *lines)


@click.command()
@json_option
def whoami() -> None:
    """Say who you are to the server, and how it knows."""
    client = connect()
    answer = client.get("/api/whoami")
    known = answer["principal"]
    line = f"{known['name']} ({known['kind']}) at {client.target.url}, by {answer['via']}"
    lines = [line]
    if known["sponsor"]:
        lines.append(f"sponsor: {known['sponsor']}")
    if answer["groups"]:
        lines.append("groups: " + ", ".join(answer["groups"]))
    emit(answer | {"url": client.target.url}, *lines)


@click.command("signin-link")
@click.argument("name")
@json_option
def signin_link(name: str) -> None:
    """Make an address that signs the human NAME in once."""
    answer = connect().post(f"/api/principals/{segment(name)}/signin-link")
    emit(answer)
    say(str(answer["url"]), f"It works once, within {duration(answer['seconds'])}.")
