"""The command `headgate`: finds the subcommand and loads only that; tells errors in one line.

Nothing but click and the standard library is imported here, as every call pays for it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import click

from headgate import __version__

INTERRUPTED = 130
"""The exit code after Ctrl-C."""
_NEW_OBJECTS = 30_000
"""So many are made before the collector looks for what is no longer used; Python's own 700 are
reached eighty times before a command begins."""
COLLECTING = gc.get_threshold()
"""What Python does by itself: for what does not end soon."""


class Entry:
    """Where a command lives, and what the list of commands says of it."""

    __slots__ = ("attribute", "help", "module")

    def __init__(self, module: str, attribute: str, help: str) -> None:
        self.module = module
        self.attribute = attribute
        self.help = help


COMMANDS: dict[str, Entry] = {
    "up": Entry("up", "up", "Start the server."),
    "demo": Entry("demo", "demo", "See the whole way of a change, on real code."),
    "doctor": Entry("doctor", "doctor", "Say whether this machine can run Headgate."),
    "init": Entry("init", "init", "Write a headgate.toml that fits this repository."),
    "check": Entry("check", "check", "Inspect files or a range of commits, without a server."),
    "scan": Entry("scan_group", "scan", "Scan source and secrets only, without a server."),
    "deps": Entry("deps", "deps", "Packages: what a project uses, and what is known of it."),
    "fix": Entry("fix", "fix", "Suggest changes that make findings go away."),
    "rules": Entry("rules", "rules", "Write, convert, test and explain rules of source analysis."),
    "zuul": Entry("zuul", "zuul", "Come over from Zuul."),
    "simulate": Entry(
        "simulate", "simulate", "Run policies side by side on the same work, in simulated time."
    ),
    "project": Entry("project", "project", "Add projects and look at them."),
    "change": Entry("change", "change", "Look at changes, approve, enqueue or abandon them."),
    "queue": Entry("queue", "queue", "Watch the queues, freeze them, promote what waits."),
    "pipeline": Entry("pipeline", "pipeline", "Look at pipelines and their runs."),
    "findings": Entry(
        "findings", "findings", "List the findings of branches, silence or dispute them."
    ),
    "job": Entry("job", "job", "Look at job runs and their logs; keep what failed ones leave."),
    "principal": Entry("principal", "principal", "Humans, agents and services."),
    "agent": Entry("principal", "agent", "Add agents and look at them."),
    "human": Entry("principal", "human", "Add humans and look at them."),
    "token": Entry("token", "token", "Issue, list and revoke tokens."),
    "secret": Entry("secret", "secret", "Store secrets for jobs; they are never shown again."),
    "environment": Entry("environment", "environment", "Approve set-up scripts of environments."),
    "policy": Entry("policy", "policy", "Look at the policy, check it, import it."),
    "audit": Entry("audit", "audit", "Read and verify the log of events."),
    "signin-link": Entry("session", "signin_link", "Make an address that signs a human in once."),
    "login": Entry("session", "login", "Save a token for a server."),
    "logout": Entry("session", "logout", "Forget a saved token."),
    "whoami": Entry("session", "whoami", "Say who you are to the server, and how it knows."),
}
"""In the order of the list: to start, without a server, every day, administration."""


class Run:
    """What the options of one call mean for all of it."""

    __slots__ = ("json", "operator")

    def __init__(self) -> None:
        self.json = False
        """Print one JSON object on standard output, and words on standard error."""
        self.operator = False
        """Speak through the operator's socket, whatever token is saved."""


class LazyGroup(click.Group):
    """A group whose members are imported when they are called, not when they are listed."""

    members: ClassVar[Mapping[str, Entry]] = COMMANDS
    """In the order of the list; a group below the first gives its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.members.get(cmd_name)
        if entry is None:
            return None
        from importlib import import_module

        return getattr(import_module(f"headgate.cli.{entry.module}"), entry.attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.members and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.members, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.members.items()])


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"headgate {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
@click.option("--operator", is_flag=True, help="Act as the operator of this machine's server.")
@click.pass_context
def cli(ctx: click.Context, operator: bool) -> None:
    """Headgate: a gate between code that anybody or anything wrote, and production."""
    ctx.ensure_object(Run).operator = operator


def run(args: Sequence[str]) -> int:
    """Run a command line; returns its exit code. Errors are told, never raised."""
    options = Run()
    try:
        result = cli.main(list(args), "headgate", standalone_mode=False, obj=options)
        sys.stdout.flush()
    except click.Abort:
        print("headgate: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _usage(error, options)
    except BrokenPipeError:
        # Whoever read us has seen enough; what Python flushes at exit must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from headgate.model.errors import HeadgateError

        if not isinstance(error, HeadgateError):
            raise
        return _told(error.message, error.remedy, int(error.exit_code), options)
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException, options: Run) -> int:
    remedy = ""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        remedy = f"See `{error.ctx.command_path} --help`."
    message = error.format_message().replace("a valid integer range", "a whole number")
    return _told(message if message.endswith((".", "?")) else f"{message}.", remedy, 2, options)


def _told(message: str, remedy: str, code: int, options: Run) -> int:
    print(f"headgate: {message} {remedy}".rstrip(), file=sys.stderr)
    if options.json:
        import json

        print(json.dumps({"error": message, "remedy": remedy}))
    return code


def main() -> int:
    """The entry point of the installed command."""
    # What a command imports stays to its end: it is not looked through again and again for what
    # could be freed, and not a last time before all of it goes.
    gc.set_threshold(_NEW_OBJECTS, 3, 3)
    try:
        return run(sys.argv[1:])
    except KeyboardInterrupt:
        print("headgate: interrupted.", file=sys.stderr)
        return INTERRUPTED
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
