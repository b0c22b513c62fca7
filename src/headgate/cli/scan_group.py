"""`headgate scan`, and the commands below it: `scan secrets`, `scan import`, `scan review`."""

from __future__ import annotations

from importlib import import_module

import click

from headgate.cli.scan import scan as files

_BELOW = {
    "secrets": ("scan_secrets", "secrets"),
    "import": ("scan_import", "import_"),
    "review": ("scan_review", "review"),
}
"""Name → module and attribute, imported when it is called."""
_CALLED = "headgate.scan.called"


class _Paths(click.Argument):
    """What `headgate scan` itself takes; the commands below it have no use for it.

    click writes the arguments of a group before the name of the command below it.
    """

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        return super().get_usage_pieces(ctx) if isinstance(ctx.command, _Scan) else []


class _Scan(click.Group):
    """Scans what it is given, unless that begins with the name of a command below it.

    A file or directory of such a name is meant by `./secrets`.
    """

    allow_interspersed_args = True

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_BELOW)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _BELOW:
            return None
        module, attribute = _BELOW[cmd_name]
        return getattr(import_module(f"headgate.cli.{module}"), attribute)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in _BELOW:
            ctx.meta[_CALLED] = args
            return []
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        name, *rest = ctx.meta.pop(_CALLED, [""])
        command = self.get_command(ctx, name)
        if command is None:
            return click.Command.invoke(self, ctx)
        with command.make_context(name, rest, parent=ctx) as below:
            return command.invoke(below)


def _own(param: click.Parameter) -> click.Parameter:
    if isinstance(param, click.Argument):
        return _Paths(param.opts, type=param.type, nargs=param.nargs, required=param.required)
    return param


scan = _Scan(
    "scan",
    params=[_own(param) for param in files.params],
    callback=files.callback,
    help=files.help,
    no_args_is_help=False,
    subcommand_metavar="| COMMAND [ARGS]...",
)
