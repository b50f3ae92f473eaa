"""One profile, and several people and programs at it at the same moment, each in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from helpers.engine_parts import in_threads

from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.secret import fingerprint

#: Calls the API until its standard input ends, and then once more with another token.
PROGRAM = """
import json, sys, threading
import requests
from requests_zohorecruit import ZohoRecruitAuth
from requests_zohorecruit.secret import fingerprint

def call():
    requests.get(sys.argv[1], auth=auth, timeout=30).raise_for_status()

auth, over, calls = ZohoRecruitAuth.from_profile(), threading.Event(), 1
call()
print("running", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.is_set():
    call()
    calls += 1
auth.refresh()
call()
print(json.dumps({"calls": calls, "grant": fingerprint(auth.token.refresh_token)}))
"""


@pytest.mark.thorough
def test_logins_and_running_programs_at_once_lose_nothing(zoho, client, granted, run):
    granted()
    zoho.access_token_lifetime = 4  # seconds: so that the programs renew theirs while others log in
    url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        assert [program.stdout.readline() for program in programs] == ["running\n"] * 2

        def login(_):
            command = [sys.executable, "-m", "requests_zohorecruit", "exchange"]
            ended = subprocess.run(
                command, input=zoho.new_code(), capture_output=True, text=True, timeout=120, check=False
            )
            return ended.returncode, re.findall(r"The grant (#\w+)", ended.stdout)

        logins = in_threads(4, login)
        assert [code for code, _ in logins] == [0] * 4
        ended = [program.communicate(timeout=120) for program in programs]
    finally:
        for program in programs:
            program.kill()
            program.wait()
    assert [(program.returncode, errors) for program, (_, errors) in zip(programs, ended, strict=True)] == [(0, "")] * 2
    kept = fingerprint(Profile().load().store.load()["refresh_token"])
    assert kept in {grant for _, [grant] in logins}
    told = [json.loads(output) for output, _ in ended]
    assert {each["grant"] for each in told} == {kept}
    assert min(each["calls"] for each in told) > 1
    assert run("status", "--check").exit_code == 0
