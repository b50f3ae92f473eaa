"""HTTPie with our plugin, run for real."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytest.importorskip("httpie", reason="HTTPie is not installed")


@pytest.fixture
def http(zoho, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPIE_CONFIG_DIR", str(tmp_path / "httpie"))

    def run(*options):
        url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "httpie",
            "--ignore-stdin",
            f"--verify={zoho.ca_bundle}",
            *options,
            url,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_httpie_finds_it_by_its_entry_point():
    [found] = entry_points(group="httpie.plugins.auth.v1", name="zohorecruit")
    assert found.load().auth_type == "zohorecruit"


def test_a_profile_is_named_with_a(http, granted, zoho):
    granted("work")
    ended = http("--auth-type=zohorecruit", "-a", "work")
    assert len(json.loads(ended.stdout)["data"]) == 12
    assert (ended.stderr, zoho.token_requests) == ("", 1)


def test_without_a_it_is_the_default_and_a_rejected_token_is_replaced(http, granted, zoho):
    granted(access_token="1000.rejected.token", expires_at=2e9)
    assert len(json.loads(http("--auth-type=zohorecruit").stdout)["data"]) == 12
    assert (zoho.token_requests, zoho.api_requests) == (1, 2)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nobody", "There is no profile named nobody"),
        ("no/body", "a profile's name has letters"),
    ],
)
def test_errors_are_one_line(http, name, told):
    ended = http("--auth-type=zohorecruit", "-a", name)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
