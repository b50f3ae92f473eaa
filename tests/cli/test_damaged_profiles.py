"""A profile whose saved grant cannot be used: each command says so in a person's words, and a login repairs it."""

from __future__ import annotations

import pytest
from helpers.memory_keyring import safe_in_use
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit.login.profiles import SERVICE, Profile

NOT_RECORDS = [b"", b"{", b"[]", b"\xff", b" " * (1 << 21)]
OF_ANOTHER = [b'{"client_id": 5, "refresh_token": "1000.a.b"}', b'{"region": "eu"}']
MALFORMED = [b'{"refresh_token": 7}', b'{"access_token": "a b"}']


@pytest.fixture
def damaged(granted):
    """Return a function that puts something else in the place of a saved grant, and returns the file."""

    def damage(content=b"{", name="dam"):
        file = granted(name).directory / "token.json"
        file.write_bytes(content)
        return file

    return damage


@pytest.mark.parametrize("content", NOT_RECORDS + OF_ANOTHER + MALFORMED, ids=lambda content: repr(content[:9]))
def test_a_command_names_profile_and_file_and_the_login_that_repairs_it(run, damaged, zoho, content):
    file = damaged(content)
    for command in (["status"], ["get", "Candidates"], ["header"], ["refresh"]):
        result = run(*command, "--profile", "dam")
        said, remedy = result.stderr.splitlines()
        assert (result.exit_code, said.startswith(f"Error: Profile dam ({file})")) == (7, True)
        assert remedy == "Run `zohorecruit login --profile dam` to replace it, or restore it from a backup."
        assert "Store(" not in result.stderr
    assert (file.read_bytes(), zoho.token_requests) == (content, 0)


@pytest.mark.parametrize("content", NOT_RECORDS, ids=lambda content: repr(content[:9]))
def test_a_login_in_a_pipe_replaces_it_only_if_told_to(run, client, zoho, damaged, content):
    file = damaged(content)
    result = run("exchange", "--profile", "dam", input=f"{zoho.new_code()}\n")
    assert (result.exit_code, file.read_bytes(), zoho.token_requests) == (7, content, 0)
    assert f"Profile dam ({file}) holds something that is not a token record" in result.stderr
    assert "--replace" in result.stderr.splitlines()[-1]
    result = run("exchange", "--profile", "dam", "--replace", input=f"{zoho.new_code()}\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert run("get", "Candidates", "--profile", "dam").exit_code == 0


def test_a_terminal_asks_and_no_changes_nothing(damaged, client, zoho):
    file = damaged()
    code, screen = run_on_terminal("login", "--profile", "dam", "--client-credentials", typed=b"n\n", columns=60)
    screen = " ".join(strip_styles(screen).split())
    assert (code, file.read_bytes(), zoho.token_requests) == (1, b"{", 0)
    assert f"Profile dam ({file}) holds something that is not a token record" in screen
    assert "Error:" not in screen
    assert screen.endswith("Replace it? [y/N]: Nothing was changed.")


@pytest.mark.parametrize("content", [b"{", b'{"refresh_token": 7}'])
def test_client_credentials_repair_it_too(run, client, zoho, damaged, content):
    damaged(content)
    command = ("login", "--client-credentials", "--soid", zoho.soid, "--profile", "dam", "--replace")
    assert run(*command).exit_code == 0
    assert run("get", "Candidates", "--profile", "dam").exit_code == 0


@pytest.mark.parametrize("kept", ["--keyring", "--no-keyring"])
def test_so_it_is_in_a_keyring_and_on_the_way_out_of_it(run, client, zoho, granted, monkeypatch, home, kept):
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    with safe_in_use() as safe:
        granted("dam", in_keyring=True)
        safe.entries[SERVICE, "dam"] = "{"
        assert run("status", "--profile", "dam").exit_code == 7
        login = ("exchange", "--profile", "dam", kept)
        assert run(*login, input=f"{zoho.new_code()}\n").exit_code == 7
        assert safe.entries[SERVICE, "dam"] == "{"
        assert run(*login, "--replace", input=f"{zoho.new_code()}\n").exit_code == 0
        assert run("get", "Candidates", "--profile", "dam").exit_code == 0


def test_a_login_repairs_the_client_in_a_keyring(run, client, zoho, granted, monkeypatch, home):
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    with safe_in_use() as safe:
        granted("dam", in_keyring=True)
        safe.entries[SERVICE, "dam (application)"] = "{"
        result = run("status", "--profile", "dam")
        assert (result.exit_code, "Run `zohorecruit login --profile dam`" in result.stderr) == (7, True)
        assert run("exchange", "--profile", "dam", input=f"{zoho.new_code()}\n").exit_code == 0
        assert run("get", "Candidates", "--profile", "dam").exit_code == 0


def test_from_a_damaged_file_the_grant_moves_to_the_keyring(run, client, zoho, damaged, monkeypatch, home):
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    file = damaged()
    with safe_in_use():
        login = ("exchange", "--profile", "dam", "--keyring")
        assert run(*login, input=f"{zoho.new_code()}\n").exit_code == 7
        assert run(*login, "--replace", input=f"{zoho.new_code()}\n").exit_code == 0
        assert (run("get", "Candidates", "--profile", "dam").exit_code, file.read_text()) == (0, "{}\n")


def test_a_logout_removes_what_a_keyring_holds_and_blames_the_record_not_zoho(run, zoho, granted, monkeypatch, home):
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    with safe_in_use() as safe:
        granted("dam", in_keyring=True)
        safe.entries[SERVICE, "dam"] = "{planted"
        result = run("logout", "--profile", "dam", "--yes")
        assert set(safe.entries.values()) == {"{}"}
    assert (Profile("dam").exists(), "Zoho did not confirm" in result.stderr) == (False, False)


def test_a_directory_in_the_place_of_a_file_is_said(run, damaged):
    # Docker makes one for a file that it mounts and does not find.
    file = damaged()
    file.unlink()
    file.mkdir()
    for command in (["status"], ["login"], ["logout", "--yes"]):
        result = run(*command, "--profile", "dam")
        assert (result.exit_code, f"{file} is a directory" in result.stderr) == (7, True)
    assert run("profiles").exit_code == 0
