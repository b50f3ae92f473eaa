"""``zohorecruit sandbox``: serves until it is told to stop, and says how to talk to it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from requests_zohorecruit.cli.app import app


def start(directory, *options):
    process = subprocess.Popen(
        [sys.executable, "-m", "requests_zohorecruit", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(directory)},
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "from_env" in line:
            break
    return process, "".join(lines)


def environment(file):
    return dict(part.split("=", 1) for part in shlex.split(file.read_text()) if part != "export")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_it_is_stopped_and_leaves_nothing(tmp_path, number):
    process, output = start(tmp_path)
    try:
        file = Path(re.search(r"^    \. (\S+)$", output, re.MULTILINE)[1])
        values = environment(file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert values["ZOHORECRUIT_ACCOUNTS_URL"] in output
        form = {
            "grant_type": "refresh_token",
            "client_id": values["ZOHORECRUIT_CLIENT_ID"],
            "client_secret": values["ZOHORECRUIT_CLIENT_SECRET"],
            "refresh_token": values["ZOHORECRUIT_REFRESH_TOKEN"],
        }
        url = values["ZOHORECRUIT_ACCOUNTS_URL"] + "/oauth/v2/token"
        assert requests.post(url, data=form, verify=values["REQUESTS_CA_BUNDLE"], timeout=30).json()["access_token"]
    finally:
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest.splitlines()[-1], errors) == (0, "The sandbox is gone.", "")
    assert list(tmp_path.iterdir()) == []


def test_T60_the_sandbox_prints_no_secret(tmp_path):
    process, output = start(tmp_path)
    try:
        values = environment(Path(re.search(r"^    \. (\S+)$", output, re.MULTILINE)[1]))
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=30)
    for name in ("ZOHORECRUIT_CLIENT_SECRET", "ZOHORECRUIT_REFRESH_TOKEN"):
        assert values[name] not in output + rest


def test_a_port_that_is_taken_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["sandbox", "--port", str(port)])
    assert result.exit_code == 1
    assert result.stderr == f"Error: Port {port} of 127.0.0.1 cannot be used: Address already in use.\n"
