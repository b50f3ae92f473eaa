"""``zohorecruit completion`` installs click's completion script in a file that the shell loads.

The shell reads the file when it is needed, so shells start as fast as before.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from requests_zohorecruit.cli.console import can_ask, say

__all__ = ["completion"]

_SHELLS: Mapping[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
#: Turns on zsh's completion unless it is on. Doing so twice would slow down each new shell.
_ZSH_SETUP = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"


@click.command()
@click.argument("shell", required=False, type=click.Choice([*_SHELLS]))
@click.option("--print", "print_only", is_flag=True, help="Print the script, and install nothing.")
@click.pass_context
def completion(ctx: click.Context, shell: str | None, print_only: bool) -> None:
    """Install shell completion of commands and profiles.

    Without an argument, it is for the shell in the variable SHELL. Run it again after each upgrade.
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in _SHELLS:
        raise click.UsageError("The variable SHELL names none of bash, zsh and fish. Pass one of them as an argument.")
    root = ctx.find_root()
    script = _SHELLS[shell](root.command, {}, "zohorecruit", "_ZOHORECRUIT_COMPLETE").source()
    if print_only:
        click.echo(script, nl=False)
        return
    file = _find_place(shell)
    with _reporting(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script, "utf-8")
    say(f"Installed completion for {shell} in\n    {file}")
    if shell == "zsh":
        _offer_setup(file)
        say("Then open a new shell.")
    elif shell == "bash":
        say(
            "Open a new shell. With the package bash-completion, bash loads the file automatically. Without it, add "
            f"this line to ~/.bashrc:\n    source {shlex.quote(str(file))}"
        )
    else:
        say("Open a new shell.")


def _find_place(shell: str) -> Path:
    if shell == "fish":
        return _find_directory("XDG_CONFIG_HOME", "~/.config") / "fish/completions/zohorecruit.fish"
    if shell == "zsh":
        return _find_directory("XDG_DATA_HOME", "~/.local/share") / "requests-zohorecruit/completion.zsh"
    # It may name several directories. The first is searched first.
    given = Path(os.environ.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0])
    base = given if given.is_absolute() else _find_directory("XDG_DATA_HOME", "~/.local/share") / "bash-completion"
    return base / "completions/zohorecruit"


def _find_directory(variable: str, default: str) -> Path:
    given = Path(os.environ.get(variable, ""))
    if (
        given.is_absolute()
    ):  # a relative path is invalid: https://specifications.freedesktop.org/basedir/latest/#variables
        return given
    try:
        return Path(default).expanduser()
    except RuntimeError:
        raise click.ClickException(
            "This user has no home directory. Set HOME, or save the output of --print yourself."
        ) from None


def _offer_setup(file: Path) -> None:
    """Offer to add the lines to .zshrc that make zsh load the file."""
    line = f"source {shlex.quote(str(file))}"
    rc = _find_directory("ZDOTDIR", "~") / ".zshrc"
    with _reporting(rc):
        before = rc.read_text("utf-8", "replace") if rc.exists() else ""
    if line in (each.strip() for each in before.splitlines()):
        say(f"{rc} already loads it.")
        return
    setup = f"{_ZSH_SETUP}\n{line}\n"
    say(f"To make zsh load it, these lines must be at the end of {rc}:")
    click.echo("".join(f"    {each}\n" for each in setup.splitlines()), nl=False)
    if can_ask() and click.confirm("Add them now?"):
        with _reporting(rc), rc.open("a", encoding="utf-8") as stream:
            stream.write(setup if before.endswith("\n") or not before else f"\n{setup}")
        say(f"Added them to {rc}.")


@contextmanager
def _reporting(file: Path) -> Iterator[None]:
    """Report an error with a file."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise click.ClickException(f"Could not read or write {file}: {problem}.") from None
