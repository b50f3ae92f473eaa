"""A certificate path that leads nowhere, as the sandbox leaves one behind in a terminal, is named by every command."""

from __future__ import annotations

import time

import pytest

from requests_zohorecruit.sandbox import Sandbox

COMMANDS = ["get Candidates", "get Candidates --all", "status --check", "refresh", "revoke --yes", "exchange"]


@pytest.fixture
def spoilt(monkeypatch, tmp_path):
    """Return a function that makes the variable name something that is no file of certificates."""

    def spoil(kind="gone", variable="REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        path = tmp_path / "ca.pem"
        if kind == "junk":
            path.write_text("no certificate")
        if kind == "below a file":
            path = path / "ca.pem"
            path.parent.write_text("")
        monkeypatch.setenv(variable, str(path))
        return path

    return spoil


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("is_live", [True, False])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_that_is_gone_is_named(run, client, granted, spoilt, command, is_live, variable):
    granted(expires_at=time.time() + 3600 if is_live else 0.0)
    path = spoilt(variable=variable)
    result = run(*command.split(), input="1000.a.b\n")
    assert result.exit_code == 6
    message, hint = result.stderr.splitlines()
    assert message == f"Error: {variable} names {path}, which does not exist."
    assert "start it again" in hint


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("kind", "told"), [("junk", "holds no certificates"), ("below a file", "cannot be read (Not a directory)")]
)
def test_a_file_that_is_of_no_use_is_named(run, client, granted, spoilt, command, kind, told):
    granted()
    path = spoilt(kind)
    result = run(*command.split(), input="1000.a.b\n")
    assert result.exit_code == 6
    assert result.stderr.startswith(f"Error: REQUESTS_CA_BUNDLE names {path}, which {told}.\n")


def test_a_directory_of_certificates_is_none_of_our_business(run, granted, monkeypatch, tmp_path):
    granted()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    result = run("get", "Candidates")
    assert (result.exit_code, "REQUESTS_CA_BUNDLE names" in result.stderr) == (6, False)


def test_status_shows_what_it_knows_all_the_same(run, granted, spoilt):
    granted()
    path = spoilt()
    shown = run("status", "--check", "--json").stdout
    assert f"names {path}, which does not exist" in shown


def test_the_sandboxs_own_is_gone_with_it(run, granted, zoho, monkeypatch):
    granted()
    with Sandbox() as other:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", other.ca_bundle)
    result = run("get", "Candidates")
    assert (result.exit_code, f"names {other.ca_bundle}, which does not exist" in result.stderr) == (6, True)


def test_what_has_nothing_to_do_with_it_is_not_blamed_on_it(run, granted, spoilt):
    spoilt()
    assert run("get", "Candidates").exit_code == 3
    granted()
    assert run("status").exit_code == 0
