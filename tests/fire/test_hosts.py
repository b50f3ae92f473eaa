"""Hosts that share nothing but Redis: each in a network of its own, with files of its own, cut off now and then."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from helpers.database_servers import missing
from helpers.network_hosts import ADDRESS, Lan, internet, may_have_networks, settling
from helpers.process_fleet import Fleet
from helpers.shared_stores import Share
from helpers.storm_callers import calling, refreshing

from requests_zohorecruit import TokenStoreError

HOSTS = 3
THREADS = 3
#: Seconds that a host waits for a Redis that it cannot reach.
PATIENCE = 1.0
#: Of the lock, in seconds. What a host that is cut off asks for still arrives, and Redis may give it the lock.
LEASE = 5.0


@pytest.fixture(scope="module")
def lan():
    if not may_have_networks():
        missing("the right to make networks, or iproute2")
    with tempfile.TemporaryDirectory() as directory, Lan(HOSTS, Path(directory)) as lan:
        yield lan


@pytest.fixture(scope="module")
def lan_redis(lan):
    with lan.redis() as server:
        yield server


@pytest.fixture(scope="module")
def hosts(lan, zoho_process):
    """One process on each host; the sandbox is where it always is, for each of them."""
    port = urlsplit(zoho_process.region.accounts_url).port
    path = lan.homes[0].parent / "internet"
    with internet(port, path), Fleet(HOSTS) as processes:
        places = [(network, home, port, path) for network, home in zip(lan.networks, lan.homes, strict=True)]
        devices, _ = processes.run_each([(settling, place) for place in places])
        assert devices == [["lo", "cable"]] * HOSTS
        yield processes


@pytest.fixture
def storm(zoho, hosts, access, lan_redis):
    """Run a job on the first so many hosts with a new grant; return each host's outcomes, and the token requests."""
    share = Share.new("redis", lan_redis.port, address=ADDRESS, patience=PATIENCE, lease=LEASE)
    grant = zoho.new_grant()

    def run(job=calling, *, hosts_used=HOSTS, **options):
        before = zoho.token_requests
        results, _ = hosts.run(hosts_used, partial(job, **options), access, share, THREADS)
        return [outcomes for outcomes, _ in results], zoho.token_requests - before

    assert run(hosts_used=1, refresh_token=grant) == ([[200] * THREADS], 1)
    return run


@pytest.mark.thorough
def test_T12_hosts_that_share_a_redis_make_one_token_request(storm, zoho):
    zoho.reject_tokens()
    assert storm() == ([[200] * THREADS] * HOSTS, 1)
    assert storm() == ([[200] * THREADS] * HOSTS, 0)


@pytest.mark.thorough
def test_T58_a_host_that_is_cut_off_uses_its_token_to_the_end_and_the_others_when_it_is_back(storm, zoho, lan):
    everybody_fine = [[200] * THREADS] * HOSTS
    assert storm(kept=True) == (everybody_fine, 0)
    with lan.cut_off(2):
        assert storm(kept=True) == (everybody_fine, 0)
        zoho.reject_tokens()
        outcomes, mints = storm(kept=True)
        assert outcomes[:2] == [[200] * THREADS] * 2
        assert [type(outcome) for outcome in outcomes[2]] == [TokenStoreError] * THREADS
        assert mints == 1
    assert storm(kept=True) == (everybody_fine, 0)


def test_T58_hosts_agree_again_after_a_redis_that_lost_everything(storm, zoho, lan_redis):
    lan_redis.stop()
    outcomes, mints = storm()
    assert {type(outcome) for of_host in outcomes for outcome in of_host} == {TokenStoreError}
    assert mints == 0
    assert lan_redis.start()
    grant = zoho.new_grant()
    outcomes, mints = storm(refresh_token=grant)
    assert outcomes == [[200] * THREADS] * HOSTS
    assert mints == 1
    assert storm() == ([[200] * THREADS] * HOSTS, 0)


def test_T20_hosts_that_share_a_redis_share_its_budget(storm):
    outcomes, mints = storm(refreshing, calls=10)
    assert mints == 10 - 1
    assert sum(outcome is True for of_host in outcomes for outcome in of_host) >= mints
