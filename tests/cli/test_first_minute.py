"""The first minute, as a person types it: a terminal session with nothing left out, and what it leaves behind."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from pathlib import Path

import pexpect
import pytest
import requests

from requests_zohorecruit.demo.person import accept

PROMPT = "first-minute> "


class Session:
    """A shell on a terminal.

    :ivar shown: all that was to be seen
    """

    def __init__(self, directory, home):
        self.shown = io.StringIO()
        environment = {
            "PATH": f"{directory}:{os.environ['PATH']}",
            "HOME": str(home),
            "HISTFILE": str(home / ".bash_history"),
            "TMPDIR": os.environ["TMPDIR"],
            "ZOHORECRUIT_HOME": str(home / "zoho"),
            "BROWSER": "true",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "PS1": PROMPT,
        } | {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
        self.shell = pexpect.spawn(
            "bash", ["--norc", "-i"], env=environment, encoding="utf-8", dimensions=(50, 500), timeout=60
        )
        self.shell.logfile_read = self.shown
        self.shell.expect_exact(PROMPT)

    def type(self, line, until=PROMPT):
        """Type a line, and give what is shown until the next prompt."""
        self.shell.sendline(line)
        self.shell.expect(until if isinstance(until, re.Pattern) else re.escape(until))
        return self.shell.before

    def leave(self):
        self.shell.sendline("exit")
        self.shell.expect(pexpect.EOF)
        self.shell.close()


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """Where `zohorecruit` is found, whatever the interpreter's own directory."""
    script = tmp_path / "bin/zohorecruit"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m requests_zohorecruit "$@"\n')
    script.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return script.parent


def processes():
    """Return the command lines of all processes."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(lines)


def test_T60_the_first_minute_and_nothing_secret_is_seen_or_left(directory, tmp_path, port):
    home = tmp_path / "person"
    home.mkdir()
    server, shell = Session(directory, home), Session(directory, home)

    assert "requests-zohorecruit" in shell.type("zohorecruit --version")

    explained = server.type(
        f"zohorecruit sandbox --redirect-uri http://127.0.0.1:{port}/callback", "from_env()).json())'"
    )
    env = re.search(r"^ +\. (\S+)\r$", explained, re.MULTILINE)[1]
    values = dict(line.removeprefix("export ").split("=", 1) for line in Path(env).read_text("utf-8").splitlines())
    secret = values["ZOHORECRUIT_CLIENT_SECRET"]

    shell.type(f". {env}")
    shell.type("unset ZOHORECRUIT_CLIENT_SECRET ZOHORECRUIT_REFRESH_TOKEN ZOHORECRUIT_REGION")
    shell.type(f"zohorecruit login --port {port} --region sandbox", "Client secret (not shown):")
    shell.type(secret, "press Accept,")
    address = re.search(r"^ +(https://\S+)", shell.shown.getvalue().rpartition("open this address")[2], re.MULTILINE)[1]
    seen_by_ps = processes()
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, values["REQUESTS_CA_BUNDLE"]
        page = browser.get(accept(browser, address), timeout=30).text
    shell.shell.expect_exact(PROMPT)
    assert "Logged in: profile default, region sandbox" in shell.shell.before

    assert "of 10 in the last 10 minutes" in shell.type("zohorecruit status")
    assert "the API accepts the token" in shell.type("zohorecruit status --check")
    assert "Amara" in shell.type("zohorecruit get Candidates")
    assert len(re.findall("Full_Name", shell.type("zohorecruit get Candidates --all | cat"))) == 12

    grant, application = ((home / "zoho/default" / name).read_text() for name in ("token.json", "application.json"))
    secrets = {secret, *re.findall(r"1000\.\w+\.\w+", grant), values["ZOHORECRUIT_REFRESH_TOKEN"]}
    assert len(secrets) == 4
    assert secret in application

    shell.type("zohorecruit revoke", "[y/N]: ")
    assert "is revoked" in shell.type("y")
    assert "Run `zohorecruit login`." in shell.type("zohorecruit get Candidates")
    shell.leave()

    server.shell.sendcontrol("c")
    server.shell.expect_exact("The sandbox is gone.")
    server.shell.expect_exact(PROMPT)
    server.leave()

    history = (home / ".bash_history").read_text()
    assert "zohorecruit login" in history
    seen = shell.shown.getvalue() + server.shown.getvalue() + seen_by_ps + page + history
    left = {
        str(path.relative_to(tmp_path)): path.read_text("utf-8", "replace")
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    for planted in secrets:
        assert planted not in seen
        assert [name for name, content in left.items() if planted in content] == (
            ["person/zoho/default/application.json"] if planted == secret else []
        )
    assert list((tmp_path / "tmp").iterdir()) == []
