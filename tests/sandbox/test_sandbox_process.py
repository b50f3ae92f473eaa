"""The sandbox in a process of its own."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from requests_zohorecruit.sandbox.process import SandboxProcess, serve

pytestmark = pytest.mark.usefixtures("measured_processes")


def ask(*questions):
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(map(pickle.dumps, questions))), answers)
    answers.seek(0)
    return [pickle.load(answers) for _ in questions]


def test_questions_are_answered_and_errors_come_back_as_answers():
    start, _, read, call, failed = ask(
        ("start", (), {}),
        ("__setattr__", ("token_delay", 0.5), {}),
        ("token_delay", (), {}),
        ("new_code", ("ZohoRecruit.modules.READ",), {}),
        ("fault", ("nonsense",), {"times": 1}),
    )
    assert (start[1]["region"].code, start[1]["client_id"][:5], read) == ("sandbox", "1000.", (False, 0.5))
    assert call[1].startswith("1000.")
    assert failed[0] is True
    assert isinstance(failed[1], ValueError)
    assert not Path(start[1]["ca_bundle"]).exists(), "the certificate is gone with the sandbox"


def test_it_has_the_attributes_and_controls_of_a_sandbox():
    with SandboxProcess(redirect_uris=("https://one.example/cb",)) as zoho:
        zoho.access_token_lifetime = 30
        fields = {"client_id": zoho.client_id, "client_secret": zoho.client_secret, "code": zoho.new_code()}
        url = zoho.region.accounts_url + "/oauth/v2/token"
        answer = requests.post(
            url, data=fields | {"grant_type": "authorization_code"}, verify=zoho.ca_bundle, timeout=30
        )
        assert answer.json()["expires_in"] == 30
        assert zoho.live_access_tokens(answer.json()["refresh_token"]) == 1
        assert (zoho.token_requests, zoho.api_requests, len(zoho.received)) == (1, 0, 1)
        assert (zoho.redirect_uri, zoho.attachments, zoho.mints_per_window) == ("https://one.example/cb", {}, 10)
        with pytest.raises(ValueError, match="there are: throttle"):
            zoho.fault("nonsense")
        certificate = zoho.ca_bundle
        assert zoho.pid != os.getpid()
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            zoho.nonsense  # noqa: B018 - looking is the test
    assert not Path(certificate).exists()
    with pytest.raises(RuntimeError, match="process has ended"):
        zoho.expire_tokens()


def test_a_sandbox_that_cannot_start_says_why():
    with pytest.raises(ValueError, match="at least one"), SandboxProcess(redirect_uris=()):
        pass  # pragma: no cover - never entered


ORPHANED = """
import os, sys
from requests_zohorecruit.sandbox.process import SandboxProcess

zoho = SandboxProcess().__enter__()
if os.fork() == 0:  # a child that keeps the pipe to the sandbox open
    os.close(2)
    sys.stdin.read()
    os._exit(0)
print(zoho.ca_bundle, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_it_dies_with_its_parent_even_when_a_forked_child_holds_the_pipe():
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    ) as parent:
        certificate = parent.stdout.readline().strip()
        existed = Path(certificate).exists()
        # Only the sandbox still has standard error: reading it to the end is waiting for it to be gone.
        complaints = parent.stderr.read()
        remains = Path(certificate).exists()
        parent.stdin.close()
    assert (existed, remains, complaints) == (True, False, "")
