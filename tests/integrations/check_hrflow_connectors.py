"""A public Recruit integration runs on the sandbox: hrflow-connectors' aisles read, create, change and delete, as they are.

Once with its own token handling, once with one ``auth=`` of this library in its place. Not part of the default run, which
collects ``test_*.py``: ``tox run -e integrations`` installs the package and names this file.
"""

from __future__ import annotations

import logging

import pytest
from hrflow_connectors.v2.connectors.zohorecruit import aisles
from hrflow_connectors.v2.core.common import Mode

from requests_zohorecruit import ZohoRecruitAuth
from requests_zohorecruit.sandbox import Sandbox

SCOPE = "ZohoRecruit.modules.ALL"


@pytest.fixture
def zoho(monkeypatch):
    with Sandbox() as zoho:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", zoho.ca_bundle)
        # Its table of data centres is a dict; the sandbox is one more.
        monkeypatch.setitem(aisles.url_mapping, zoho.region.accounts_url, zoho.region.recruit_url)
        yield zoho


@pytest.fixture(params=["its own token handling", "one auth="])
def parameters(request, zoho, monkeypatch):
    """What the connector is configured with; in the second case, `requests` within it is a session with our auth."""
    grant = zoho.new_grant(SCOPE)
    if request.param == "one auth=":
        session = zoho.session()
        session.auth = ZohoRecruitAuth(
            zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=grant, session=zoho.session()
        )
        monkeypatch.setattr(aisles, "requests", session)
        monkeypatch.setattr(aisles, "refresh_access_token", lambda *_: "a header that auth= replaces")
    return aisles.AuthParameters(
        zoho.client_id, zoho.client_secret, refresh_token=grant, zoho_accounts_url=zoho.region.accounts_url
    )


def read(aisle, parameters, mode, options=None):
    options = options or aisle.read.criterias.parameters(mode)()
    return list(
        aisle.read.function(
            mode=mode,
            adapter=logging.getLogger("hrflow"),
            auth_parameters=parameters,
            parameters=options,
            incremental=False,
            incremental_token=None,
        )
    )


def write(parameters, mode, items):
    """Return what failed."""
    aisle = aisles.ProfilesAisle
    options = aisle.write.criterias.parameters(mode)()
    log = logging.getLogger("hrflow")
    return aisle.write.function(mode=mode, adapter=log, auth_parameters=parameters, parameters=options, items=items)


def test_new_records_are_read_page_by_page_each_in_full(zoho, parameters):
    assert len(read(aisles.ProfilesAisle, parameters, Mode.create)) == 12
    assert len(read(aisles.JobsAisle, parameters, Mode.create)) == 4
    assert zoho.api_requests == 12 + 4 + 2


def test_options_are_understood(parameters):
    options = aisles.ReadParameters(
        fields="Last_Name,Updated_On,Created_Time",
        sort_by="Last_Name",
        sort_order=aisles.SortOrder.DESC,
        state=aisles.State.SAVE,
        approved=aisles.ZohoBool.BOTH,
    )
    names = [each["Last_Name"] for each in read(aisles.ProfilesAisle, parameters, Mode.create, options)]
    assert names == sorted(names, key=str.lower, reverse=True)


def test_what_the_sandbox_does_not_have_is_an_error_in_its_log_and_not_a_wrong_result(parameters, caplog):
    assert read(aisles.ProfilesAisle, parameters, Mode.create, aisles.ReadParameters(cvid=7)) == []
    assert "does not have the parameter cvid" in caplog.text
    assert "status code 501" in caplog.text


def test_candidates_are_created_changed_and_deleted(zoho, parameters, caplog):
    caplog.set_level(logging.INFO, "hrflow")
    assert read(aisles.ProfilesAisle, parameters, Mode.archive) == []
    assert "No records found" in caplog.text
    assert write(parameters, Mode.create, [{"Last_Name": "Nový"}, {"First_Name": "Nameless"}]) == [
        {"First_Name": "Nameless"}
    ]
    created = read(aisles.ProfilesAisle, parameters, Mode.create)
    assert [each["Last_Name"] for each in created][12:] == ["Nový"]
    assert read(aisles.ProfilesAisle, parameters, Mode.update) == []
    zoho._clock = _an_hour_later(zoho._clock)
    assert write(parameters, Mode.update, [{"id": created[12]["id"], "City": "Brno"}]) == []
    (changed,) = read(aisles.ProfilesAisle, parameters, Mode.update)
    assert (changed["City"], changed["Last_Name"]) == ("Brno", "Nový")
    assert write(parameters, Mode.archive, [{"id": created[12]["id"]}]) == []
    (deleted,) = read(aisles.ProfilesAisle, parameters, Mode.archive)
    assert (deleted["id"], deleted["type"]) == (created[12]["id"], "recycle")
    assert read(aisles.JobsAisle, parameters, Mode.archive) == []
    assert read(aisles.JobsAisle, parameters, Mode.update) == []


def test_a_token_that_is_rejected_is_replaced(zoho, parameters):
    zoho.reject_tokens()
    first = read(aisles.JobsAisle, parameters, Mode.create)
    zoho.reject_tokens()
    assert read(aisles.JobsAisle, parameters, Mode.create) == first


def test_seven_operations_cost_seven_tokens_on_its_own_and_one_with_auth(zoho, parameters):
    for _ in range(7):
        read(aisles.JobsAisle, parameters, Mode.archive)
    ours = aisles.requests.__class__.__name__ == "Session"
    assert zoho.token_requests == (1 if ours else 7)


def test_its_code_exchange_stumbles_over_its_own_variable_as_it_would_at_zoho(zoho):
    parameters = aisles.AuthParameters(
        zoho.client_id,
        zoho.client_secret,
        authorization_code=zoho.new_code(SCOPE),
        zoho_accounts_url=zoho.region.accounts_url,
    )
    with pytest.raises(AttributeError, match="'dict' object has no attribute 'json'"):
        read(aisles.JobsAisle, parameters, Mode.archive)
    assert zoho.live_access_tokens() == 0
    assert zoho.token_requests == 1


def _an_hour_later(clock):
    return lambda: clock() + 3600
