"""The fixture `zoho_sandbox`: one server, and a Zoho of its own for each test."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
import requests

from requests_zohorecruit import ClientConfigurationError, ZohoRecruitAuth

pytestmark = pytest.mark.usefixtures("measured_processes")

pytest_plugins = ["pytester"]

TEST = """
    import requests
    from requests_zohorecruit import ZohoRecruitAuth

    def call(zoho):
        auth = ZohoRecruitAuth(
            zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token
        )
        return requests.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates", auth=auth)
"""


def auth_for(zoho):
    return ZohoRecruitAuth(zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token)


def candidates(zoho):
    return f"{zoho.region.recruit_url}/recruit/v2/Candidates"


def test_token_calls_and_api_calls_need_no_further_settings(zoho_sandbox):
    assert requests.get(candidates(zoho_sandbox), auth=auth_for(zoho_sandbox)).ok
    assert (zoho_sandbox.token_requests, zoho_sandbox.api_requests) == (1, 1)


def test_a_proxy_for_everything_else_is_not_in_the_way(zoho_sandbox, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert requests.get(candidates(zoho_sandbox), auth=auth_for(zoho_sandbox)).ok


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_exceptions_from_the_proxy_are_kept(monkeypatch, request, name):
    monkeypatch.setenv(name, "example.org")
    request.getfixturevalue("zoho_sandbox")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "example.org,127.0.0.1,localhost"


def test_renewing_makes_everything_as_it_was_at_the_beginning(zoho_sandbox):
    zoho, before = zoho_sandbox, auth_for(zoho_sandbox)
    where, uri = zoho.region, zoho.redirect_uri
    assert requests.delete(candidates(zoho), params={"ids": "1"}, auth=before).ok
    zoho.fault("throttle", 9)
    zoho.reject_all, zoho.access_token_lifetime = True, 5
    zoho.renew()
    assert (zoho.region, zoho.redirect_uri, zoho.reject_all, zoho.access_token_lifetime) == (where, uri, False, 3600)
    assert (zoho.token_requests, zoho.api_requests, zoho.received, zoho.attachments) == (0, 0, [], {})
    assert requests.get(candidates(zoho), auth=auth_for(zoho)).ok
    with pytest.raises(ClientConfigurationError):
        before.refresh()


def test_renewing_can_register_other_redirect_uris(zoho_sandbox):
    zoho_sandbox.renew(redirect_uris=("https://example.org/connected", "https://example.org/other"))
    assert zoho_sandbox.redirect_uri == "https://example.org/connected"
    with pytest.raises(ValueError, match="redirect URI"):
        zoho_sandbox.renew(redirect_uris=())


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["in one process", "in two workers"])
@pytest.mark.thorough(one_in=2)
def test_nothing_leaks_out_of_a_test_even_if_it_fails(pytester, workers):
    pytester.makepyfile(
        TEST
        + """
    import pytest

    seen = set()

    @pytest.mark.parametrize("turn", range(6))
    def test_leaves_a_mess(zoho_sandbox, turn):
        assert zoho_sandbox.client_id not in seen
        seen.add(zoho_sandbox.client_id)
        assert (zoho_sandbox.token_requests, zoho_sandbox.api_requests, zoho_sandbox.received) == (0, 0, [])
        assert zoho_sandbox.redirect_uri == "http://127.0.0.1:8400/callback"
        assert zoho_sandbox.access_token_lifetime == 3600
        assert call(zoho_sandbox).ok
        zoho_sandbox.fault("throttle", 5)
        zoho_sandbox.reject_all, zoho_sandbox.access_token_lifetime = True, 5
        zoho_sandbox.renew(redirect_uris=("https://example.org/",))
        zoho_sandbox.reject_all = True
        assert turn % 2, "failed on purpose"
    """
    )
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-W", "error", *workers)
    result.assert_outcomes(passed=3, failed=3)
    assert str(result.stdout).count("AssertionError: failed on purpose") >= 3


def test_the_plugin_costs_a_run_that_does_not_use_it_nothing(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_nothing_of_it_is_loaded(request):
            assert "requests_zohorecruit.pytest_plugin" in sys.modules
            loaded = {name for name in sys.modules if name.startswith("requests_zohorecruit")}
            assert loaded == {"requests_zohorecruit", "requests_zohorecruit.pytest_plugin"}
            assert not {"requests", "trustme", "oauthlib", "ssl", "responses"} & set(sys.modules)
        """
    )
    only_ours = ["-p", "zohorecruit"]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        pytester.runpytest_subprocess(*only_ours).assert_outcomes(passed=1)
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]


def test_pytest_lists_the_fixture_with_what_it_is(pytester):
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["zoho_sandbox -- *", "    Zoho Accounts and Recruit on 127.0.0.1, over TLS*"])


def test_importing_the_plugin_needs_neither_trustme_nor_responses():
    program = (
        "import sys; sys.modules['trustme'] = sys.modules['responses'] = None;import requests_zohorecruit.pytest_plugin"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_fresh_state_takes_less_than_five_milliseconds(zoho_sandbox):
    """The figure to reach; the best of many, so that a busy machine does not matter."""
    taken = []
    for _ in range(20):
        begin = time.perf_counter()
        zoho_sandbox.renew()
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 0.005
