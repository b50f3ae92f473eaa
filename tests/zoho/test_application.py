"""An application: which id, secret and region fit together, and what a fingerprint of them tells."""

from __future__ import annotations

import pytest
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, raising

from requests_zohorecruit.errors import ClientConfigurationError, UnknownRegionError
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.regions import Region

EU = Region.lookup("eu")


def test_an_application_has_the_secret_of_its_region():
    application = Application.create(CLIENT_ID, {"us": "other", "eu": CLIENT_SECRET}, "EU")
    assert (application.client_id, application.client_secret, application.region) == (CLIENT_ID, CLIENT_SECRET, EU)
    assert application == Application.create(CLIENT_ID, CLIENT_SECRET, EU)
    assert not hasattr(application, "__dict__")
    with pytest.raises(AttributeError, match="client_secret"):
        application.client_secret = "other"
    assert "planted" not in repr(application)


def test_T60_a_missing_secret_names_the_region_and_no_other_secret():
    with raising(ClientConfigurationError, match="no client secret for region eu. Add one under 'eu'") as caught:
        Application.create(CLIENT_ID, {"us": "planted-other"}, "eu")
    assert caught.value.region == "eu"


@pytest.mark.parametrize("secret", ["planted", {"eu": "planted"}])
def test_T60_an_unknown_region_does_not_show_the_secret_beside_it(secret):
    with raising(UnknownRegionError):
        Application.create(CLIENT_ID, secret, "xx")


@pytest.mark.parametrize("secret", ["planted secret", "planted\n", {"eu": "planted\n"}])
def test_T60_a_damaged_secret_is_refused_and_not_shown(secret):
    with raising(ValueError, match="client_secret contains"):
        Application.create(CLIENT_ID, secret, "eu")


@pytest.mark.parametrize(
    ("client_id", "secret", "kind", "match"),
    [
        ("", "s", ValueError, "client_id is empty"),
        (None, "s", TypeError, "client_id must be a string"),
        ("1000 X", "s", ValueError, "client_id contains"),
        ("x", "", ValueError, "client_secret is empty"),
        ("x", None, TypeError, "client_secret must be a string, not NoneType"),
        ("x", {"eu": None}, TypeError, "client_secret must be a string, not NoneType"),
    ],
)
def test_what_cannot_be_a_client_is_refused(client_id, secret, kind, match):
    with pytest.raises(kind, match=match):
        Application.create(client_id, secret, "eu")


def test_a_fingerprint_changes_with_each_part_of_the_configuration_and_with_the_grant():
    applications = [
        Application.create(*parts) for parts in [("a", "b", "eu"), ("x", "b", "eu"), ("a", "x", "eu"), ("a", "b", "us")]
    ]
    prints = {application.fingerprint(grant) for application in applications for grant in ("", "1000.a", "1000.b")}
    assert len(prints) == 12
