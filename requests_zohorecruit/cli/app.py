"""The list of commands, each of which is imported when it is used; and what ends them all in the same way.

Knows no command's business; each has a module of its own. What is said of errors is `reports`'s.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem

from requests_zohorecruit import __version__
from requests_zohorecruit.cli.examples import add_examples

__all__ = ["COMMANDS", "EXIT_CODES", "app"]

INTERRUPTED = 130

#: In the order people need them, each with its line in the list of commands, which is there without its module.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "login": "Get a grant by pressing Accept in the browser, and save it.",
        "exchange": "Redeem a self client's code, and save the grant.",
        "status": "Show a grant: region, scopes, time left, mints.",
        "get": "Print what the API answers to one GET.",
        "api": "Make any API call, with uploads and downloads.",
        "header": "Write the Authorization header to a pipe.",
        "refresh": "Replace the access token now.",
        "revoke": "Give the grant back to Zoho and forget it.",
        "logout": "Revoke the grant and remove the profile.",
        "profiles": "List the profiles, set the default one, or rename one.",
        "regions": "List Zoho's data centres and their hosts.",
        "completion": "Install completion of commands and profiles in your shell.",
        "sandbox": "Serve a sandbox Zoho on loopback until Ctrl-C.",
        "demo": "Show the main job end to end on a sandbox Zoho.",
    }
)

#: What the exit codes mean. Which error has which is `reports`'s to know.
EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "done",
        1: "anything not named here",
        2: "wrong usage",
        3: "a person has to log in (again)",
        4: "client, region or host do not fit together",
        5: "throttled",
        6: "Zoho cannot be reached or understood",
        7: "the profile cannot be read or saved",
        8: "a scope or permission is missing",
        9: "the clock is off",
        INTERRUPTED: "Ctrl-C",
    }
)


class _App(click.Group):
    """A group whose commands may raise this library's errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            command = getattr(import_module(f"requests_zohorecruit.cli.commands.{cmd_name}"), cmd_name)
            add_examples(command, cmd_name)
            self.add_command(command)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - see above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return commands and options; click's own way would import every command, and a person waits for it."""
        names = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        before = signal.signal(signal.SIGINT, _interrupt)
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # while it can still be told that it cannot be written
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nStopped.", err=True)
            ctx.exit(INTERRUPTED)
        except (click.exceptions.Exit, ModuleNotFoundError):
            raise  # click's own, and what `main` names the extra for
        except Exception as error:  # noqa: BLE001 - `report` raises what it has no words for
            from requests_zohorecruit.cli.reports import report  # noqa: PLC0415 - for errors only

            ctx.exit(report(error, ctx.obj, debug=ctx.params["debug"]))
        else:
            return result
        finally:
            signal.signal(signal.SIGINT, before)


def _interrupt(*_: object) -> None:
    """Stop, and ignore a second Ctrl-C while the command cleans up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


_EPILOG = f"Exit codes: {', '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}."


@click.group(cls=_App, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="requests-zohorecruit %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks of errors, without secrets.")
def app(debug: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """OAuth 2.0 for Zoho Recruit: get a grant, look after it, see it work."""
