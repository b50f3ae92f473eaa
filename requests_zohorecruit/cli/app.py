"""Lists the commands with examples, imports each one when it is used, and handles Ctrl-C and errors for all of them.

The modules in `commands` hold the commands. `reports` words the error messages.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from requests_zohorecruit import __version__

__all__ = ["COMMANDS", "EXIT_CODES", "app"]

INTERRUPTED = 130
#: A non-breaking hyphen.
_UNBROKEN = "\u2011"

#: In the order in which people need them, each with its line in the list, so that listing them imports none.
COMMANDS: Mapping[str, str] = {
    "login": "Log in with a browser and save the grant.",
    "exchange": "Exchange a self client's code for a grant, and save it.",
    "status": "Show a grant: its region, scopes, token and limits.",
    "get": "Send a GET request to the API and print the answer.",
    "api": "Make any API call, including uploads and downloads.",
    "header": "Print the Authorization header for another program.",
    "refresh": "Replace the access token now.",
    "revoke": "Revoke the grant and keep the client.",
    "logout": "Revoke the grant and remove the profile.",
    "profiles": "List profiles, choose the default, or rename one.",
    "regions": "List Zoho's data centres and their hosts.",
    "completion": "Install shell completion of commands and profiles.",
    "sandbox": "Run the sandbox on this machine until Ctrl-C.",
    "demo": "Show the library at work on the sandbox.",
}

#: Command -> its module in `commands`, if another has its name.
_MODULES = {
    "exchange": "login",
    "get": "api",
    "demo": "sandbox",
    **dict.fromkeys(("header", "refresh", "revoke", "logout"), "grant"),
}

#: Two examples for the help of each command. They fit on 60 columns.
_EXAMPLES = {
    "login": ("zohorecruit login", "zohorecruit login --profile work --region eu"),
    "exchange": ("zohorecruit exchange --region in", "zohorecruit exchange --profile work < answers"),
    "status": ("zohorecruit status --check", "zohorecruit status --profile work --json"),
    "get": ("zohorecruit get Candidates -q per_page=5", "zohorecruit get JobOpenings --all --csv > jobs.csv"),
    "api": (
        "zohorecruit api POST Candidates -d @new.json",
        "zohorecruit api POST Candidates/4/Attachments -F cv.pdf",
    ),
    "header": ("zohorecruit header | curl -H @- URL", "zohorecruit header --profile work --show"),
    "refresh": ("zohorecruit refresh", "zohorecruit refresh --profile work"),
    "revoke": ("zohorecruit revoke", "zohorecruit revoke --profile work --yes"),
    "logout": ("zohorecruit logout --profile work", "zohorecruit logout --all --yes"),
    "profiles": ("zohorecruit profiles", "zohorecruit profiles rename default work"),
    "profiles list": ("zohorecruit profiles list", "zohorecruit profiles list --json"),
    "profiles default": ("zohorecruit profiles default", "zohorecruit profiles default work"),
    "profiles rename": ("zohorecruit profiles rename default work", "zohorecruit profiles rename work old-work"),
    "regions": ("zohorecruit regions", "zohorecruit regions --json"),
    "completion": ("zohorecruit completion", "zohorecruit completion fish --print"),
    "sandbox": ("zohorecruit sandbox", "zohorecruit sandbox --port 8443"),
    "demo": ("zohorecruit demo", "zohorecruit --debug demo"),
}

#: What each exit code means. `reports` assigns them to errors.
EXIT_CODES: Mapping[int, str] = {
    0: "done",
    1: "any other error, or you answered no",
    2: "wrong usage",
    3: "you have to log in",
    4: "client, region and host do not match",
    5: "throttled",
    6: "no usable answer from Zoho",
    7: "the profile cannot be read or saved",
    8: "a scope or permission is missing",
    9: "the clock is wrong",
    INTERRUPTED: "Ctrl-C",
}


class _HelpFormatter(click.HelpFormatter):
    """Breaks lines between words only. Click's formatter breaks `--client-credentials` at a hyphen."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", _UNBROKEN))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        super().write_dl([(first, second.replace("-", _UNBROKEN)) for first, second in rows], *args, **options)

    def getvalue(self) -> str:
        return super().getvalue().replace(_UNBROKEN, "-")


class _Context(click.Context):
    formatter_class = _HelpFormatter


class _App(click.Group):
    """The group of all commands. It reports the errors that they raise."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module = _MODULES.get(cmd_name, cmd_name)
            command = getattr(import_module(f"requests_zohorecruit.cli.commands.{module}"), cmd_name)
            _add_examples(command, cmd_name)
            self.add_command(command)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or suggest one. Click would suggest those that have been imported, so none."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            from difflib import get_close_matches  # noqa: PLC0415 - only this error needs it

            if near := get_close_matches(args[0], COMMANDS):
                ctx.fail(f"No such command '{args[0]}'. Did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return commands and options. Click's own method would import every command, which takes too long."""
        names = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        import logging  # noqa: PLC0415 - the list of commands does not need it

        from requests_zohorecruit.cli.console import WarningHandler  # noqa: PLC0415 - neither this

        before = signal.signal(signal.SIGINT, _interrupt)
        handler, logging.lastResort = logging.lastResort, WarningHandler(logging.WARNING)
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # while an error can still be reported
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nStopped.", err=True)
            ctx.exit(INTERRUPTED)
        except (click.exceptions.Exit, ModuleNotFoundError):
            raise  # for click, and for `main`, which names the extra to install
        except Exception as error:  # noqa: BLE001 - `report` re-raises what is not for it
            from requests_zohorecruit.cli.reports import report  # noqa: PLC0415 - only errors need it

            ctx.exit(report(error, ctx.obj, debug=ctx.params["debug"]))
        else:
            return result
        finally:
            logging.lastResort = handler
            signal.signal(signal.SIGINT, before)


def _interrupt(*_: object) -> None:
    """Stop, and ignore a second Ctrl-C while the command cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _add_examples(command: click.Command, name: str) -> None:
    """Add examples to the help of a command and its subcommands, and keep its words whole.

    :param name: the command as typed, without ``zohorecruit``
    """
    command.context_class = _Context
    command.epilog = "\n  ".join(["\b\nExamples:", *_EXAMPLES[name]])
    for subcommand in getattr(command, "commands", {}).values():
        _add_examples(subcommand, f"{name} {subcommand.name}")


_EPILOG = f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}."


@click.group(cls=_App, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="requests-zohorecruit %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks, without secrets.")
def app(debug: bool) -> None:
    """OAuth 2.0 for Zoho Recruit: get a grant, manage it, and call the API."""
