"""What the documentation says to type is typed: every line of it, in a shell, with the sandbox for a Zoho."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet
from helpers.doc_pages import DOCS, blocks, pages
from helpers.doc_preambles import require_curl
from helpers.tried_packages import find_pages
from packaging.requirements import Requirement

ROOT = DOCS.parent
#: Seconds after which a line that was typed is given up.
LIMIT = 120
#: A browser that presses Accept, and goes where that leads.
BROWSER = f"""
import os, sys, requests
sys.path.append({str(ROOT / "tests")!r})
from helpers.consenting_person import accept
with requests.Session() as browser:
    browser.trust_env, browser.verify = False, os.environ["REQUESTS_CA_BUNDLE"]
    browser.get(accept(browser, sys.argv[1]), timeout=30)
"""


def shown():
    """Return all lines of shell, but for the README's for a clone, and those of recipes with environments of their own."""
    elsewhere = {*find_pages("tests/integrations/"), "howto/recipes/index"}  # the last needs pandas
    found = [
        block
        for name in set(pages()) - elsewhere
        for block in blocks(DOCS / f"{name}.rst")
        if block.language != "python"
    ]
    found += [block for block in blocks(ROOT / "README.rst") if block.language == "console"]
    texts = (block.text for block in found if block.language in {"shell", "console"})
    return sorted({line.removeprefix("$ ") for text in texts for line in text.splitlines() if line})


SHOWN = shown()
#: What is typed, by what it is for.
KINDS = {
    "virtual environment": r"python3 -m venv ",
    "install": r"pip install ",
    "login": r"zohorecruit login(?: --scope [\w.,]+)?$",
    "login without browser": r"zohorecruit login --no-browser$",
    "login on a device": r"zohorecruit login --device$",
    "login of a client": r"zohorecruit login --client-credentials$",
    "exchange": r"zohorecruit exchange$",
    "login with a name": r"zohorecruit login --profile \w+$",
    "profiles": r"zohorecruit (?:profiles|get)",
    "logout": r"zohorecruit logout",
    "container": r"(?:docker compose exec sync |kubectl exec deploy/sync -- )?zohorecruit status --env",
    "HTTPie": r"https --auth-type",
    "completion": r"zohorecruit completion$",
    "key": r"python -c .*generate_key",
    "curl": r"zohorecruit header .*curl ",
    "environment": r"ZOHORECRUIT_\w+=",
    "web application": r"python examples/",
}


def lines(kind):
    chosen = [line for line in SHOWN if re.match(KINDS[kind], line)]
    return pytest.mark.parametrize("line", chosen)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Return a function that types a line, as somebody whose home is empty; stopped, if it goes on, at the end."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPIE_CONFIG_DIR", str(tmp_path / "httpie"))
    started = []

    def typed(line):
        pipe = subprocess.PIPE
        command = ["bash", "-c", line]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        # Whoever waits for something to be printed waits no longer than that.
        limit = threading.Timer(LIMIT, process.kill)
        limit.start()
        started.append((process, limit))
        return process

    yield typed
    for process, limit in started:
        limit.cancel()
        process.kill()
        process.communicate(timeout=60)


@pytest.fixture
def typed(start):
    """Return a function that types a line and returns what is printed; it has to succeed."""

    def ended(line, given=""):
        process = start(line)
        told, _ = process.communicate(given, timeout=LIMIT)
        assert process.returncode == 0, told
        return told

    return ended


def test_each_line_is_typed_by_one_of_the_tests_below():
    assert len(SHOWN) > 10
    assert [line for line in SHOWN if sum(bool(re.match(kind, line)) for kind in KINDS.values()) != 1] == []
    assert [kind for kind in KINDS if not any(re.match(KINDS[kind], line) for line in SHOWN)] == []


@lines("virtual environment")
@pytest.mark.thorough
def test_a_virtual_environment_for_what_is_installed(line, typed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert typed(f"{line} && command -v pip") == f"{tmp_path}/.venv/bin/pip\n"


@lines("install")
def test_what_is_to_be_installed_is_there_with_its_extras(line):
    for each in shlex.split(line)[2:]:
        requirement = Requirement(re.sub(r"^\.(?=\[|$)", "requests-zohorecruit", each))  # the clone's own
        extras = metadata.metadata(requirement.name).get_all("Provides-Extra") or []
        assert requirement.extras <= set(extras)


@lines("login")
def test_login_with_a_browser(line, client, port, typed, tmp_path, monkeypatch):
    (tmp_path / "browser.py").write_text(BROWSER)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {tmp_path / 'browser.py'} %s &")
    assert "Logged in: profile default" in typed(f"{line} --port {port}")  # the one that the documentation has is taken
    assert "the API accepts the token" in typed("zohorecruit status --check")


@lines("login without browser")
def test_login_without_a_browser(line, client, zoho, start, typed):
    process = start(f"{line} --redirect-uri {zoho.redirect_uri}")
    printed = iter(process.stdout.readline, "")
    address = next(each.strip() for each in printed if each.strip().startswith(zoho.region.accounts_url))
    told, _ = process.communicate(f"{zoho.consent(address)}\n", timeout=LIMIT)
    assert (process.returncode, "Logged in: profile default" in told) == (0, True), told
    assert "the API accepts the token" in typed("zohorecruit status --check")


@lines("login on a device")
def test_login_on_a_device_shows_a_code(line, client, zoho, start):
    printed = iter(start(f"exec {line}").stdout.readline, "")
    code = next(each.strip() for each in printed if re.fullmatch(r"    [0-9A-F]{8}\n", each))
    zoho.confirm_device(code)  # what follows takes half a minute: test_login_device.py has it


@lines("login of a client")
def test_login_with_client_credentials(line, client, zoho, typed):
    assert "Logged in: profile default" in typed(f"{line} --soid {zoho.soid}")
    assert "the API accepts the token" in typed("zohorecruit status --check")


@lines("exchange")
def test_exchange(line, client, zoho, typed):
    assert "Logged in: profile default" in typed(line, f"{zoho.new_code()}\n")


@lines("login with a name")
def test_login_into_a_profile_with_a_name(line, client, port, typed, tmp_path, monkeypatch):
    (tmp_path / "browser.py").write_text(BROWSER)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {tmp_path / 'browser.py'} %s &")
    assert f"Logged in: profile {line.split()[-1]}" in typed(f"{line} --port {port}")


@lines("profiles")
def test_what_is_done_with_profiles(line, granted, typed):
    granted("acme")
    granted("globex")
    assert typed(line)


@lines("logout")
def test_logout(line, granted, typed):
    granted("work")
    assert "Profile work is removed; its grant is revoked." in typed(f"{line} --yes")  # there is no terminal to ask on


@lines("container")
def test_what_is_typed_in_a_container(line, client, zoho, typed, monkeypatch):
    monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", zoho.refresh_token)
    told = typed(line.partition("sync -- ")[2] or line.partition("exec sync ")[2] or line)
    assert re.search(r"source +environment", told)
    assert ("the API accepts the token" in told) == ("--check" in line)


@lines("HTTPie")
def test_httpie(line, granted, zoho, typed):
    granted()
    here = line.replace("recruit.zoho.eu", zoho.region.recruit_url.removeprefix("https://"))
    assert here != line
    assert '"Full_Name"' in typed(f"{here} --verify={zoho.ca_bundle} --ignore-stdin 2>/dev/null")


@lines("curl")
def test_curl(line, granted, zoho, typed, monkeypatch):
    require_curl()
    granted()
    monkeypatch.setenv("SSL_CERT_FILE", zoho.ca_bundle)
    here = line.replace("https://recruit.zoho.eu", zoho.region.recruit_url)
    assert here != line
    assert '"Full_Name"' in typed(here)


@lines("key")
def test_a_key_to_encrypt_with(line, typed):
    key = typed(line).strip()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"record")) == b"record"


@lines("completion")
def test_completion(line, typed, tmp_path, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    script = tmp_path / "data/bash-completion/completions/zohorecruit"
    assert typed(f"{line}; source {script}; complete -p zohorecruit").split()[-1] == "zohorecruit"


def test_an_environment_for_a_container(typed, tmp_path):
    settings = [line for line in SHOWN if re.match(KINDS["environment"], line)]
    for line in settings:
        if "/run/secrets/" in line:
            (tmp_path / line.rpartition("/")[2]).write_text("1000.something\n")
    program = "import requests_zohorecruit as z; print(z.ZohoRecruitAuth.from_env().region.code)"
    here = " ".join(settings).replace("/run/secrets", str(tmp_path)).replace("…", "CLIENT")
    assert typed(f"{here} python -c '{program}'") == "eu\n"


@lines("web application")
def test_the_web_application(line, start, port, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)  # nobody has it, and the program is of two files
    process = start(f"exec {line} --port {port}")
    printed = []
    for told in iter(process.stdout.readline, ""):
        printed.append(told)
        if "Running on" in told:
            break
    assert f"http://127.0.0.1:{port}" in printed[-1], "".join(printed)
    page = requests.get(f"http://127.0.0.1:{port}/", timeout=60)
    assert (page.status_code, 'name="user"' in page.text) == (200, True)
