"""``zohorecruit completion``: click's completion script, put where the shell finds it by itself.

The script is a file that is read when the shell needs it, so that no shell starts slower for it.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from requests_zohorecruit.cli.console import say

__all__ = ["completion"]

_SHELLS: Mapping[str, type[ShellComplete]] = MappingProxyType(
    {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
)
#: Where zsh has no completion yet, it is turned on. A second time, each new shell would be slower.
_ZSH_SETUP = "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }"


@click.command()
@click.argument("shell", required=False, type=click.Choice([*_SHELLS]))
@click.option("--print", "print_only", is_flag=True, help="Print the script and install nothing.")
@click.pass_context
def completion(ctx: click.Context, shell: str | None, print_only: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Install completion of commands and profiles in your shell.

    The shell is the one that the variable SHELL names, unless you name one. Run it again after an upgrade.
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name
    if shell not in _SHELLS:
        raise click.UsageError("SHELL names none of bash, zsh and fish; name yours.")
    root = ctx.find_root()
    script = _SHELLS[shell](root.command, {}, "zohorecruit", "_ZOHORECRUIT_COMPLETE").source()
    if print_only:
        click.echo(script, nl=False)
        return
    file = _find_place(shell)
    with _told(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script, "utf-8")
    say(f"Completion for {shell} is installed in\n    {file}")
    if shell == "zsh":
        _offer_setup(file)
        say("Then open a new shell.")
    elif shell == "bash":
        say(
            "Open a new shell. Bash finds the file by itself where the package bash-completion is set up; where it is "
            f"not, add this line to ~/.bashrc:\n    source {shlex.quote(str(file))}"
        )
    else:
        say("Open a new shell.")


def _find_place(shell: str) -> Path:
    if shell == "fish":
        return _find_directory("XDG_CONFIG_HOME", "~/.config") / "fish/completions/zohorecruit.fish"
    if shell == "zsh":
        return _find_directory("XDG_DATA_HOME", "~/.local/share") / "requests-zohorecruit/completion.zsh"
    # It may name several, and the first is searched first.
    given = Path(os.environ.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0])
    base = given if given.is_absolute() else _find_directory("XDG_DATA_HOME", "~/.local/share") / "bash-completion"
    return base / "completions/zohorecruit"


def _find_directory(variable: str, default: str) -> Path:
    given = Path(os.environ.get(variable, ""))
    if given.is_absolute():  # any other is invalid: https://specifications.freedesktop.org/basedir/latest/#variables
        return given
    try:
        return Path(default).expanduser()
    except RuntimeError:
        raise click.ClickException("This user has no home directory; set HOME, or take what --print prints.") from None


def _offer_setup(file: Path) -> None:
    """Have zsh read the file, which it does not by itself: in .zshrc, which is a person's own and needs their yes."""
    line = f"source {shlex.quote(str(file))}"
    rc = _find_directory("ZDOTDIR", "~") / ".zshrc"
    with _told(rc):
        before = rc.read_text("utf-8", "replace") if rc.exists() else ""
    if line in (each.strip() for each in before.splitlines()):
        say(f"{rc} has the line that loads it already.")
        return
    setup = f"{_ZSH_SETUP}\n{line}\n"
    say(f"Zsh loads it once these lines are at the end of {rc}:")
    click.echo("".join(f"    {each}\n" for each in setup.splitlines()), nl=False)
    if sys.stdin.isatty() and click.confirm("Add them there now?"):
        with _told(rc), rc.open("a", encoding="utf-8") as stream:
            stream.write(setup if before.endswith("\n") or not before else f"\n{setup}")
        say(f"They are added to {rc}.")


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Have a person told of what is wrong with a file."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise click.ClickException(f"{file} cannot be read or written: {problem}.") from None
