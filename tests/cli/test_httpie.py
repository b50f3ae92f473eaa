"""HTTPie with our plugin, run for real."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("measured_processes")

pytest.importorskip("httpie", reason="HTTPie is not installed")


@pytest.fixture
def http(zoho, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPIE_CONFIG_DIR", str(tmp_path / "httpie"))

    def run(*options):
        address = f"{zoho.region.recruit_url.removeprefix('https://')}/recruit/v2/Candidates"
        https = Path(sys.executable).with_name("https")
        command = [
            sys.executable,
            "-W",
            "ignore",
            https,
            "--ignore-stdin",
            f"--verify={zoho.ca_bundle}",
            *options,
            address,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_httpie_finds_it_by_its_entry_point():
    [found] = entry_points(group="httpie.plugins.auth.v1", name="zohorecruit")
    assert found.load().auth_type == "zohorecruit"


def test_T60_a_profile_is_named_with_a(http, granted, zoho, tmp_path):
    profile = granted("work")
    ended = http("--auth-type=zohorecruit", "-a", "work")
    assert len(json.loads(ended.stdout)["data"]) == 12
    assert (ended.stderr, zoho.token_requests) == ("", 1)
    grant = profile.load().store.load()
    for secret in (zoho.client_secret, grant["refresh_token"], grant["access_token"]):
        assert secret not in ended.stdout + "".join(path.read_text() for path in tmp_path.rglob("httpie/**/*.json"))


def test_without_a_it_is_the_default_and_a_rejected_token_is_replaced(http, granted, zoho):
    granted(access_token="1000.rejected.token", expires_at=time.time() + 3600)
    assert len(json.loads(http("--auth-type=zohorecruit").stdout)["data"]) == 12
    assert (zoho.token_requests, zoho.api_requests) == (1, 2)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody", "There is no profile named nobody"),
        ("no/body", "a profile name must have"),
    ],
)
def test_errors_are_one_line(http, name, told):
    ended = http("--auth-type=zohorecruit", "-a", name)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
