"""Completion in the shell: installed by a command, found by the shell itself, and working there."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from helpers.terminals import strip_styles

from requests_zohorecruit.cli.app import COMMANDS
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

PLACES = {
    "bash": ".local/share/bash-completion/completions/zohorecruit",
    "zsh": ".local/share/requests-zohorecruit/completion.zsh",
    "fish": ".config/fish/completions/zohorecruit.fish",
}
SHELLS = pytest.mark.parametrize("shell", PLACES)
WIDTHS = pytest.mark.parametrize("columns", [60, 80, 120])


@pytest.fixture(autouse=True)
def user(tmp_path, monkeypatch):
    """An empty home of a person who has one of the shells."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "BASH_COMPLETION_USER_DIR", "ZDOTDIR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setenv("HOME", str(user))
    monkeypatch.setenv("SHELL", "/bin/bash")
    return user


@pytest.fixture
def profiles(home):
    for name in ("work", "private"):
        Profile(name).save(Application.create("1000.C", "s", "eu"), Token("1000.a", "1000.r", 0.0), now=0.0)


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Put ``zohorecruit`` on the path, as an installation does."""
    program = tmp_path / "bin/zohorecruit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m requests_zohorecruit "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def need(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def files_of(user):
    return sorted(str(path.relative_to(user)) for path in user.rglob("*") if path.is_file())


class TestInstalling:
    @SHELLS
    @pytest.mark.parametrize("is_named", [True, False])
    def test_the_script_is_where_the_shell_looks(self, run, user, shell, is_named, monkeypatch):
        monkeypatch.setenv("SHELL", "/bin/tcsh" if is_named else f"/usr/local/bin/{shell}")
        result = run("completion", *([shell] if is_named else []))
        assert (result.exit_code, files_of(user)) == (0, [PLACES[shell]])
        assert f"Installed completion for {shell} in\n    {user / PLACES[shell]}\n" in result.stdout
        assert "open a new shell." in result.stdout.lower()
        assert (user / PLACES[shell]).read_text() == run("completion", shell, "--print").stdout

    @SHELLS
    def test_once_more_changes_nothing_and_an_old_script_is_replaced(self, run, user, shell):
        assert run("completion", shell).exit_code == 0
        first = (user / PLACES[shell]).read_text()
        (user / PLACES[shell]).write_text("# an old one")
        assert run("completion", shell).exit_code == run("completion", shell).exit_code == 0
        assert ((user / PLACES[shell]).read_text(), files_of(user)) == (first, [PLACES[shell]])

    @SHELLS
    def test_printing_installs_nothing(self, run, user, shell):
        result = run("completion", shell, "--print")
        assert (result.exit_code, result.stderr, files_of(user)) == (0, "", [])
        assert f"{shell}_complete" in result.stdout

    @pytest.mark.parametrize(
        ("shell", "variable", "file"),
        [
            ("bash", "BASH_COMPLETION_USER_DIR", "completions/zohorecruit"),
            ("bash", "XDG_DATA_HOME", "bash-completion/completions/zohorecruit"),
            ("zsh", "XDG_DATA_HOME", "requests-zohorecruit/completion.zsh"),
            ("fish", "XDG_CONFIG_HOME", "fish/completions/zohorecruit.fish"),
        ],
    )
    def test_the_directories_of_the_environment_are_honoured(
        self, run, user, tmp_path, monkeypatch, shell, variable, file
    ):
        monkeypatch.setenv(variable, f"{tmp_path}/other")
        assert run("completion", shell).exit_code == 0
        assert ((tmp_path / "other" / file).is_file(), files_of(user)) == (True, [])
        monkeypatch.setenv(variable, "not/absolute")
        assert run("completion", shell).exit_code == 0
        assert files_of(user) == [PLACES[shell]]

    def test_of_several_directories_the_first_is_taken(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("BASH_COMPLETION_USER_DIR", f"{tmp_path}/one:{tmp_path}/two")
        run("completion", "bash")
        assert (tmp_path / "one/completions/zohorecruit").is_file()

    @pytest.mark.parametrize("shell", [None, "", "/bin/tcsh", "/bin/sh"])
    def test_an_unknown_shell_is_one_clear_error(self, run, user, shell, monkeypatch):
        monkeypatch.setenv("SHELL", shell or "")
        if shell is None:
            monkeypatch.delenv("SHELL")
        result = run("completion")
        assert (result.exit_code, result.stdout, files_of(user)) == (2, "", [])
        assert result.stderr.splitlines()[-1].startswith("Error: The variable SHELL names none of bash, zsh and fish.")

    def test_a_shell_that_is_none_of_them_is_wrong_usage(self, run):
        assert run("completion", "powershell").exit_code == 2

    @SHELLS
    def test_no_home_is_one_clear_error(self, run, shell, monkeypatch):
        def fail(_):
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "expanduser", fail)
        result = run("completion", shell)
        assert (result.exit_code, result.stderr) == (
            1,
            "Error: This user has no home directory. Set HOME, or save the output of --print yourself.\n",
        )
        assert run("completion", shell, "--print").exit_code == 0

    @SHELLS
    def test_a_place_that_cannot_be_written_is_one_clear_error(self, run, user, shell):
        (user / PLACES[shell].partition("/")[0]).write_text("no directory")
        result = run("completion", shell)
        assert (result.exit_code, len(result.stderr.splitlines()), result.stdout) == (1, 1, "")
        assert f"Error: Could not read or write {user / PLACES[shell]}: " in result.stderr

    def test_an_old_bash_is_told_so(self, run, tmp_path, monkeypatch):
        bash = tmp_path / "old/bash"
        bash.parent.mkdir()
        bash.write_text("#!/bin/sh\necho '3.2.57(1)-release'\n")
        bash.chmod(bash.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(bash.parent))
        assert "not supported for Bash versions older than 4.4" in run("completion", "bash").stderr

    def test_bash_is_told_what_to_do_without_its_package(self, run, user):
        shown = run("completion", "bash").stdout
        assert f"    source {user / PLACES['bash']}\n" in shown
        assert not (user / ".bashrc").exists()


@pytest.mark.usefixtures("measured_processes")
class TestZshrc:
    @pytest.fixture
    def answer(self, home, monkeypatch):
        """Return a function that installs on a terminal, gives an answer where there is a question, and the screen."""

        def install(reply, columns=80):
            command = ["-m", "requests_zohorecruit", "completion", "zsh"]
            # The environment is given, since readline may have put its own COLUMNS where `os.environ` does not see it.
            child = pexpect.spawn(
                sys.executable, command, env=dict(os.environ), encoding="utf-8", dimensions=(50, columns), timeout=30
            )
            shown = ""
            if child.expect([r"Add them now\? \[y/N\]: ", pexpect.EOF]) == 0:
                shown = child.before + child.after
                child.sendline(reply)
                child.expect(pexpect.EOF)
            shown += child.before
            child.wait()
            assert child.exitstatus == 0, shown
            return strip_styles(shown).replace("\r\n", "\n")

        return install

    def test_in_a_pipe_the_lines_are_shown_and_nothing_is_edited(self, run, user):
        result = run("completion", "zsh")
        assert f"    source {user / PLACES['zsh']}\n" in result.stdout
        assert not (user / ".zshrc").exists()

    @pytest.mark.parametrize("reply", ["", "n", "no"])
    @pytest.mark.thorough(one_in=3)
    def test_without_a_yes_nothing_is_edited(self, answer, user, reply):
        (user / ".zshrc").write_text("# mine")
        shown = answer(reply)
        assert f"    source {user / PLACES['zsh']}\n" in shown
        assert (user / ".zshrc").read_text() == "# mine"

    @pytest.mark.parametrize("before", [None, "", "# mine", "# mine\n", "# \udce9\n"])
    @pytest.mark.thorough(one_in=5)
    def test_with_a_yes_the_lines_are_added_at_the_end_once(self, answer, user, before):
        rc = user / ".zshrc"
        if before is not None:
            rc.write_text(before, "utf-8", "surrogateescape")
        assert "Added them" in answer("y")
        once = rc.read_bytes()
        own = (before or "").encode("utf-8", "surrogateescape")
        assert once.startswith(own)
        assert once[len(own) :].decode().strip().splitlines()[-1] == f"source {user / PLACES['zsh']}"
        assert own.rstrip(b"\n") in once.splitlines() or not own
        assert "already loads it" in " ".join(answer("y").split())
        assert rc.read_bytes() == once

    def test_a_link_to_somewhere_else_stays_one(self, answer, user):
        (user / "dotfiles").write_text("# mine\n")
        (user / ".zshrc").symlink_to("dotfiles")
        answer("y")
        assert (user / ".zshrc").is_symlink()
        assert "completion.zsh" in (user / "dotfiles").read_text()

    def test_zshs_own_directory_is_honoured(self, answer, user, monkeypatch):
        (user / "z").mkdir()
        monkeypatch.setenv("ZDOTDIR", str(user / "z"))
        answer("y")
        assert ((user / "z/.zshrc").exists(), (user / ".zshrc").exists()) == (True, False)

    def test_a_zshrc_that_cannot_be_read_is_one_clear_error(self, run, user):
        (user / ".zshrc").mkdir()
        result = run("completion", "zsh")
        assert (result.exit_code, result.stderr) == (
            1,
            f"Error: Could not read or write {user}/.zshrc: Is a directory.\n",
        )

    @WIDTHS
    def test_no_word_is_broken(self, answer, columns):
        for line in answer("n", columns).splitlines():
            assert len(line) <= columns or line.startswith("    ") or " " not in line


#: Where the package bash-completion is.
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
#: What is typed, and what it may go on with.
TYPED = pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("zohorecruit sta", {"status"}),
        ("zohorecruit pro", {"profiles"}),
        ("zohorecruit ", {*COMMANDS}),
        ("zohorecruit status --js", {"--json"}),
        ("zohorecruit status --profile ", {"work", "private"}),
        ("zohorecruit status --profile w", {"work"}),
        ("zohorecruit get Candidates --profile w", {"work"}),
        ("zohorecruit profiles default p", {"private"}),
        ("zohorecruit profiles rename w", {"work"}),
        ("zohorecruit login --region u", {"us", "uk"}),
        ("zohorecruit completion f", {"fish"}),
    ],
)


def type_in_bash(line, *start):
    """Return what bash's function offers for the end of a line."""
    *before, last = line.split()
    words = [*before, last] if not line.endswith(" ") else [*before, last, ""]
    typed = " ".join(f"'{word}'" for word in words)
    script = f"COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1}; _zohorecruit_completion zohorecruit"
    done = subprocess.run(
        ["bash", "--norc", "-c", "; ".join((*start, script, 'printf "%s\\n" "${COMPREPLY[@]}"'))],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.usefixtures("profiles", "on_path")
class TestInTheShell:
    """With the installed file, in the shells themselves."""

    @TYPED
    @pytest.mark.thorough(one_in=4)
    def test_bash(self, run, user, line, offered):
        run("completion", "bash")
        complete, *found = type_in_bash(line, f"source {user / PLACES['bash']}", "complete -p zohorecruit")
        assert (complete, {*found}) == ("complete -o nosort -F _zohorecruit_completion zohorecruit", offered)

    @pytest.mark.skipif(not BASH_COMPLETION.exists(), reason="the package bash-completion is not installed")
    @pytest.mark.parametrize("variable", [None, "XDG_DATA_HOME", "BASH_COMPLETION_USER_DIR"])
    def test_bash_finds_the_file_by_itself(self, run, tmp_path, monkeypatch, variable):
        if variable:
            monkeypatch.setenv(variable, str(tmp_path / "other"))
        run("completion", "bash")
        load = "{ _comp_load zohorecruit || __load_completion zohorecruit; } 2>/dev/null"  # its new and old name
        assert type_in_bash("zohorecruit sta", f"source {BASH_COMPLETION}", load) == ["status"]

    @TYPED
    @pytest.mark.thorough(one_in=4)
    def test_fish(self, run, line, offered):
        need("fish")
        run("completion", "fish")
        # Fish finds the file by itself.
        command = ["fish", "-c", f"complete -C {shlex.quote(line)}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert {each.partition("\t")[0] for each in done.stdout.splitlines()} == offered

    @pytest.mark.parametrize("is_set_up", [True, False])
    @pytest.mark.parametrize(
        ("line", "completed"),
        [
            ("zohorecruit sta", "zohorecruit status "),
            ("zohorecruit status --profile w", "zohorecruit status --profile work "),
            ("zohorecruit profiles default p", "zohorecruit profiles default private "),
        ],
    )
    @pytest.mark.thorough(one_in=6)
    def test_zsh(self, answer_yes, user, line, completed, is_set_up):
        need("zsh")
        rc = user / ".zshrc"
        rc.write_text("autoload -Uz compinit && compinit -u\n" if is_set_up else "ZSH_DISABLE_COMPFIX=true\n")
        answer_yes()
        with rc.open("a") as stream:
            stream.write(
                'show() { print -r -- "$BUFFER" > ~/line; BUFFER=exit; zle accept-line }\nzle -N show\nbindkey "^Xs" show\nPS1="ready> "\n'
            )
        zsh = pexpect.spawn("zsh", ["-i"], encoding="utf-8", dimensions=(50, 200), timeout=30)
        try:
            zsh.expect("ready> ")
            zsh.send(f"{line}\t\x18s")
            zsh.expect(pexpect.EOF)
        finally:
            zsh.close(force=True)
        assert (user / "line").read_text() == f"{completed}\n"


@pytest.fixture
def answer_yes():
    """Return a function that installs in zsh, and says yes."""

    def install():
        command = ["-m", "requests_zohorecruit", "completion", "zsh"]
        child = pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=30)
        child.expect("Add them now")
        child.sendline("y")
        child.expect(pexpect.EOF)
        child.wait()

    return install


def test_the_list_of_commands_is_completed_without_importing_them():
    script = (
        "import sys, os; from click.testing import CliRunner; from requests_zohorecruit.cli.app import app; "
        "env = dict(_ZOHORECRUIT_COMPLETE='bash_complete', COMP_WORDS='zohorecruit ', COMP_CWORD='1'); "
        "assert 'plain,exchange' in CliRunner().invoke(app, [], prog_name='zohorecruit', env=env).stdout; "
        "print(sorted({'requests', 'rich', 'requests_zohorecruit.cli.commands'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_options_of_the_program_itself_are_completed(run):
    words = {"_ZOHORECRUIT_COMPLETE": "bash_complete", "COMP_WORDS": "zohorecruit --d", "COMP_CWORD": "1"}
    assert run(env=words).output.splitlines() == ["plain,--debug"]


@pytest.mark.parametrize("home", ["'/quoted'", "~nobody-of-that-name/x"])
def test_profiles_that_cannot_be_listed_are_no_traceback(run, monkeypatch, home):
    monkeypatch.setenv("ZOHORECRUIT_HOME", home)
    words = {"COMP_WORDS": "zohorecruit status --profile w", "COMP_CWORD": "3"}
    result = run(env={**words, "_ZOHORECRUIT_COMPLETE": "bash_complete"})
    assert (result.exit_code, result.output) == (0, "\n")
