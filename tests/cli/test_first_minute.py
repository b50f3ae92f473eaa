"""The first minute, as a person types it: a terminal session with nothing left out, and what it leaves behind."""

from __future__ import annotations

import json
import re
import shutil
import stat
import sysconfig
import venv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from helpers.consenting_person import accept
from helpers.doc_pages import DOCS, blocks
from helpers.shell_sessions import PROMPT, Session, files, watching_processes
from helpers.terminals import press_ctrl_c

import requests_zohorecruit

ROOT = Path(__file__).parents[2]


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


def check_transcripts(**shown):
    """Hold what terminals have shown against the tutorial, which cuts it off with an ellipsis; and its count of commands."""
    transcripts = [block.text for block in blocks(DOCS / "tutorial.rst") if block.text.startswith("$ ")][:2]
    commands = [line.removeprefix("$ ") for text in transcripts for line in text.splitlines() if line.startswith("$ ")]
    assert [re.sub("-sandbox-.*/", "-sandbox-…/", command) for command in commands] == [
        "zohorecruit sandbox",
        ". .venv/bin/activate",
        ". /tmp/zoho-sandbox-…/env",
        "zohorecruit get Candidates",
    ]
    seconds = sum(len(command) + 1 for command in commands) / 5  # five characters in a second
    assert (len(commands) <= 5, seconds < 25) == (True, True)
    for text, screen in zip(transcripts, shown.values(), strict=True):
        wanted = text.rpartition("$ ")[2].partition("\n")[2].partition("…")[0].rstrip()
        assert len(wanted.splitlines()) > 8
        assert neutral(wanted) in neutral(screen)


def neutral(screen):
    """Return what a terminal shows without colours and ends of lines, and without what is another each time."""
    text = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen).split())
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", re.sub(r"/\S*/zoho-sandbox-\w+/", "DIRECTORY/", text))


def first_minute(home, tmp_path, port, umask):
    """Do as the README says, and return the secrets that were about, and all that was to be seen on screens."""
    server, shell = Session(home, umask), Session(home, umask)

    for each in (server, shell):
        each.type("cd && . venv/bin/activate")
    shell.type("cd source && python -m pip install --quiet --no-index --no-build-isolation '.[cli]'; cd")
    assert f"{home}/venv/bin/zohorecruit" in shell.type("type zohorecruit")

    explained = server.type(
        f"zohorecruit sandbox --redirect-uri http://127.0.0.1:{port}/callback", "auth=auth).json())'"
    )
    env = re.search(r"^ +\. (\S+)\r$", explained, re.MULTILINE)[1]
    values = dict(line.removeprefix("export ").split("=", 1) for line in Path(env).read_text("utf-8").splitlines())
    secrets = {
        "client secret": values["ZOHORECRUIT_CLIENT_SECRET"],
        "the sandbox's refresh token": values["ZOHORECRUIT_REFRESH_TOKEN"],
    }
    assert stat.S_IMODE(Path(env).stat().st_mode) == 0o600

    shell.type(f". {env}")
    record = shell.type("zohorecruit get Candidates")
    check_transcripts(sandbox=explained, record=record)
    shell.type(f"export ZOHORECRUIT_HOME={home}/zoho")  # as before, instead of the sandbox's own
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
        assert "is valid for 60 minutes" in shell.type("zohorecruit refresh")

    shell.type("zohorecruit revoke", "[y/N]: ")
    assert "is revoked" in shell.type("y")
    assert "Run `zohorecruit login --profile sandbox`." in shell.type("zohorecruit --debug get Candidates")
    shell.leave()

    press_ctrl_c(server.shell)
    server.shell.expect_exact("The sandbox has stopped.")
    server.shell.expect_exact(PROMPT)
    server.leave()
    return secrets, shell.shown.getvalue() + server.shown.getvalue() + page
