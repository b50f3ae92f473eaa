"""The first minute, as a person types it: a terminal session with nothing left out, and what it leaves behind."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import stat
import sysconfig
import threading
import venv
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pexpect
import pytest
import requests

import requests_zohorecruit
from requests_zohorecruit.demo.person import accept

ROOT = Path(__file__).parents[2]
PROMPT = "first-minute> "


class Session:
    """A shell on a terminal.

    :ivar shown: all that was to be seen
    """

    def __init__(self, home, umask):
        self.shown = io.StringIO()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HISTFILE": str(home / ".bash_history"),
            "TMPDIR": os.environ["TMPDIR"],
            "ZOHORECRUIT_HOME": str(home / "zoho"),
            "BROWSER": "true",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "PS1": PROMPT,
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        } | {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PYTHONPATH"))}
        self.shell = pexpect.spawn(
            "bash", ["--norc", "-i"], env=environment, encoding="utf-8", dimensions=(50, 500), timeout=60
        )
        self.shell.logfile_read = self.shown
        self.shell.expect_exact(PROMPT)
        self.type(f"umask {umask:03o}")

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
def somebodys_home(tmp_path, monkeypatch):
    """Somebody's home, with a virtual environment that has everything but this package, whose source lies beside it."""
    home = tmp_path / "person"
    for directory in (home, tmp_path / "tmp"):
        directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    venv.create(home / "venv")
    [packages] = (home / "venv").glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    tested = Path(requests_zohorecruit.__file__).parent
    shutil.copytree(tested, home / "source/requests_zohorecruit", ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(ROOT / name, home / "source")
    return home


@contextmanager
def watching_processes():
    """Gather the command lines of all processes, as `ps` would show them, all the time."""
    seen, over = set(), threading.Event()

    def watch():
        while not over.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(path.read_text("utf-8", "replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def files(directory):
    """Return the content of each file below a directory, by its path, but for those of the virtual environment."""
    return {
        str(path.relative_to(directory)): path.read_text("utf-8", "replace")
        for path in directory.rglob("*")
        if path.is_file() and not {"venv", "source"} & set(path.relative_to(directory).parts)
    }


@pytest.mark.parametrize("umask", [0o000, 0o077])
@pytest.mark.thorough(one_in=2)
def test_T51_T60_the_first_minute_and_nothing_secret_is_seen_or_left(somebodys_home, tmp_path, port, umask):
    with watching_processes() as processes:
        secrets, shown = first_minute(somebodys_home, tmp_path, port, umask)
    assert len(secrets) == 6
    assert any("zohorecruit\0login" in line for line in processes)
    history = (somebodys_home / ".bash_history").read_text()
    assert "zohorecruit login" in history
    left = files(tmp_path)
    for name, planted in secrets.items():
        assert planted not in shown + history + "\n".join(processes), name
        kept = [path for path, content in left.items() if planted in content]
        assert kept == (["person/zoho/sandbox/application.json"] if name == "client secret" else []), name
    assert list((tmp_path / "tmp").iterdir()) == []


def first_minute(home, tmp_path, port, umask):
    """Do as the README says, and return the secrets that were about, and all that was to be seen on screens."""
    server, shell = Session(home, umask), Session(home, umask)

    for each in (server, shell):
        each.type("cd && . venv/bin/activate")
    shell.type("cd source && python -m pip install --quiet --no-index --no-build-isolation '.[cli]'; cd")
    assert f"{home}/venv/bin/zohorecruit" in shell.type("type zohorecruit")

    explained = server.type(
        f"zohorecruit sandbox --redirect-uri http://127.0.0.1:{port}/callback", "from_env()).json())'"
    )
    env = re.search(r"^ +\. (\S+)\r$", explained, re.MULTILINE)[1]
    values = dict(line.removeprefix("export ").split("=", 1) for line in Path(env).read_text("utf-8").splitlines())
    secrets = {
        "client secret": values["ZOHORECRUIT_CLIENT_SECRET"],
        "the sandbox's refresh token": values["ZOHORECRUIT_REFRESH_TOKEN"],
    }
    assert {stat.S_IMODE(Path(env).with_name(name).stat().st_mode) for name in ("env", "form")} == {0o600}

    shell.type(f". {env}")
    shell.type("unset ZOHORECRUIT_CLIENT_ID ZOHORECRUIT_CLIENT_SECRET ZOHORECRUIT_REFRESH_TOKEN ZOHORECRUIT_REGION")
    shell.type(f"zohorecruit login --port {port} --region sandbox", "Client ID: ")
    assert f"Authorized redirect URI   http://127.0.0.1:{port}/callback" in shell.shown.getvalue()
    shell.type(values["ZOHORECRUIT_CLIENT_ID"], "Client secret (hidden):")
    shell.type(secrets["client secret"], "press Accept,")
    address = re.search(r"^ +(https://\S+)", shell.shown.getvalue().rpartition("open this address")[2], re.MULTILINE)[1]
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, values["REQUESTS_CA_BUNDLE"]
        redirect = accept(browser, address)
        secrets["code"] = parse_qs(urlsplit(redirect).query)["code"][0]
        page = browser.get(redirect, timeout=30).text
    assert "You are logged in" in page
    shell.shell.expect_exact(PROMPT)
    assert "Logged in: profile sandbox, region sandbox" in shell.shell.before

    assert "of 10 in the last 10 minutes" in shell.type("zohorecruit status")
    assert "the API accepts the token" in shell.type("zohorecruit status --check")
    assert "Amara" in shell.type("zohorecruit get Candidates")
    assert len(re.findall("Full_Name", shell.type("zohorecruit get Candidates --all | cat"))) == 12
    program = "import sys, requests, requests_zohorecruit as z; auth = z.ZohoRecruitAuth.from_profile(sys.argv[2])"
    url = '"$ZOHORECRUIT_RECRUIT_URL/recruit/v2/Candidates"'
    shell.type(f"python -c '{program}; print(requests.get(sys.argv[1], auth=auth))' {url} sandbox", "<Response [200]>")
    shell.shell.expect_exact(PROMPT)

    profile = home / "zoho/sandbox"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (profile.parent, profile, *profile.iterdir())} == {
        "zoho": 0o700,
        "sandbox": 0o700,
        **dict.fromkeys(["application.json", "application.json.lock", "token.json", "token.json.lock"], 0o600),
    }
    for time in ("first", "second"):
        grant = json.loads((profile / "token.json").read_text())
        secrets |= {f"the {time} access token": grant["access_token"], "refresh token": grant["refresh_token"]}
        assert {path for path, content in files(tmp_path).items() if grant["access_token"] in content} == {
            "person/zoho/sandbox/token.json"
        }
        assert "lives 60 minutes" in shell.type("zohorecruit refresh")

    shell.type("zohorecruit revoke", "[y/N]: ")
    assert "is revoked" in shell.type("y")
    assert "Run `zohorecruit login --profile sandbox`." in shell.type("zohorecruit --debug get Candidates")
    shell.leave()

    server.shell.sendcontrol("c")
    server.shell.expect_exact("The sandbox is gone.")
    server.shell.expect_exact(PROMPT)
    server.leave()
    return secrets, shell.shown.getvalue() + server.shown.getvalue() + page
