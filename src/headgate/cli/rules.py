"""`headgate rules`: test, begin, convert, explain and count the rules of source analysis."""

from __future__ import annotations

import click

from headgate.cli.output import json_option


@click.group()
def rules() -> None:
    """Write, convert, test and explain rules of source analysis."""


@rules.command()
@click.argument("packs", nargs=-1, metavar="[PACK]...")
@json_option
@click.pass_context
def test(ctx: click.Context, packs: tuple[str, ...]) -> None:
    """Run the examples that rule packs carry.

    PACK is a file or a folder of rule packs; by default those that Headgate ships are tested.
    """
    from headgate.cli.rule_packs import test_packs

    ctx.exit(test_packs(packs))


@rules.command()
@click.argument("name")
@click.option("-o", "--output", default="", metavar="FILE", help="By default NAME.yaml.")
@json_option
@click.pass_context
def new(ctx: click.Context, name: str, output: str) -> None:
    """Write a rule pack to begin with, for the framework or library NAME."""
    from headgate.cli.rule_packs import new_pack

    ctx.exit(new_pack(name, output))


@rules.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-o", "--output", required=True, metavar="PACK", help="The pack to write: *.yaml.")
@click.option(
    "--partial",
    is_flag=True,
    help="Write rules that cannot be carried whole as well, without what cannot, and marked.",
)
@json_option
@click.pass_context
def convert(ctx: click.Context, files: tuple[str, ...], output: str, partial: bool) -> None:
    """Turn semgrep taint rules of your own into a rule pack.

    Everything that a rule says and a pack cannot is told with its line. Exit codes: 0 all are
    carried whole, 1 some are not, 2 the files cannot be used.
    """
    from headgate.cli.rules_convert import convert_rules

    ctx.exit(convert_rules(files, output, partial=partial))


@rules.command()
@click.argument("rule")
@json_option
@click.pass_context
def explain(ctx: click.Context, rule: str) -> None:
    """Say what a rule finds, how sure it is, what to do, with examples."""
    from headgate.cli.rule_packs import explain_rule

    ctx.exit(explain_rule(rule))


@rules.command()
@json_option
@click.pass_context
def coverage(ctx: click.Context) -> None:
    """Count what the rule packs know, and name kinds that no example shows."""
    from headgate.cli.rule_packs import count_rules

    ctx.exit(count_rules())
