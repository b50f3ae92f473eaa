"""Whatever a profile's file or the environment holds: arguments to work with, or an error that shows no secret."""

from __future__ import annotations

import os
from unittest.mock import patch

import pytest
from helpers.planted_secrets import leaks
from helpers.strategies import PLANTED, bodies, texts
from hypothesis import example, given
from hypothesis import strategies as st

from requests_zohorecruit import ClientConfigurationError, UnknownRegionError, ZohoAuthError, ZohoRecruitAuth
from requests_zohorecruit.login.profiles import Profile

NAMES = ("CLIENT_ID", "CLIENT_SECRET", "REGION", "REFRESH_TOKEN", "ACCOUNTS_URL", "RECRUIT_URL")
NOTHING = {f"ZOHORECRUIT_{name}{kind}": "" for name in NAMES for kind in ("", "_FILE")}
URLS = st.sampled_from(["https://accounts.zoho.example", f"https://u:{PLANTED}@accounts.zoho.eu", "http://zoho.eu/x?y"])

#: What a variable can hold at all; and where the secrets are, since a client_id may be shown.
values = texts.filter(lambda text: "\0" not in text and text.isprintable())
public = values.filter(lambda text: "planted" not in text)
variables = st.fixed_dictionaries(
    {},
    optional={
        "CLIENT_ID": public,
        "CLIENT_SECRET": values,
        "REGION": public,
        "REFRESH_TOKEN": values,
        "ACCOUNTS_URL": public | URLS,
        "RECRUIT_URL": public | URLS,
    },
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    path = tmp_path_factory.mktemp("home")
    with patch.dict(os.environ, ZOHORECRUIT_HOME=str(path)):
        yield path


@given(content=bodies)
@example(content=b'{"client_id": "1000.C", "client_secret": {"eu": "planted-secret"}, "region": "us"}')
@example(content=b'{"client_id": "1000.C", "client_secret": "planted", "region": "x", "accounts_url": "planted"}')
@example(content=b'{"client_id": "1000.planted x", "client_secret": ["planted"], "region": {"planted": 1}}')
@example(content=b'{"client_id": "1000.C", "client_secret": "s", "region": "eu"}')
def test_T60_any_content_of_a_profiles_file_is_an_application_or_an_error_of_the_tree(home, content):
    (home / "work").mkdir(exist_ok=True)
    (home / "work" / "application.json").write_bytes(content)
    try:
        saved = Profile("work").load()
    except ZohoAuthError as error:
        assert leaks(error) == []
        assert error.__context__ is None
        return
    assert ZohoRecruitAuth(**saved.arguments()).region == saved.application.region


@given(variables)
@example({"CLIENT_ID": "1000.C", "CLIENT_SECRET": "planted with spaces", "REGION": "eu"})
@example({"CLIENT_ID": "1000.C", "CLIENT_SECRET": "planted", "REGION": "eu", "REFRESH_TOKEN": "1000.planted"})
def test_T60_any_environment_gives_an_auth_object_or_an_error_that_shows_no_secret(given_values):
    environment = {f"ZOHORECRUIT_{name}": value for name, value in given_values.items()}
    with patch.dict(os.environ, NOTHING | environment):
        try:
            auth = ZohoRecruitAuth.from_env()
        except (ClientConfigurationError, UnknownRegionError) as error:
            assert leaks(error) == []
            return
    assert auth.region.accounts_url.startswith("https://")


@given(content=bodies)
@example(content=b"1000.planted with spaces")
@example(content=b"\xff\xfe")
def test_T60_any_content_of_a_mounted_secret_gives_an_auth_object_or_an_error_that_shows_nothing_of_it(home, content):
    path = home / "secret"
    path.write_bytes(content)
    environment = {"ZOHORECRUIT_CLIENT_ID": "1000.C", "ZOHORECRUIT_REGION": "eu"}
    with patch.dict(os.environ, NOTHING | environment | {"ZOHORECRUIT_CLIENT_SECRET_FILE": str(path)}):
        try:
            ZohoRecruitAuth.from_env()
        except (ClientConfigurationError, UnknownRegionError) as error:
            assert leaks(error) == []
