"""Several data centres: people at home in one of them, clients with a secret for each, tokens that are good in one."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from helpers.socketless_sandbox import CALLBACK, Desk, says

from requests_zohorecruit import Region, ZohoRecruitAuth
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.sandbox.process import SandboxProcess


@pytest.fixture
def desk():
    return Desk("us", "eu")


def callback(url):
    return dict(parse_qsl(urlsplit(url).query))


def authorization_url(desk, **changes):
    return desk.authorization_url(**changes).replace("https://127.0.0.1:4433", "https://127.0.0.1:1")


def test_a_person_is_at_home_in_the_first_data_centre_or_where_one_says(desk):
    assert desk.zoho.person.region.code == "sandbox-us"
    assert desk.zoho.new_person().region == desk.zoho.person.region
    anna = desk.zoho.new_person(region="eu", name="Anna Brandt")
    assert (anna.name, anna.region.code, anna.region.accounts_url) == (
        "Anna Brandt",
        "sandbox-eu",
        "https://127.0.0.1:2",
    )
    assert anna.email != desk.zoho.person.email
    assert anna.soid != desk.zoho.person.soid
    assert anna.soid.startswith("ZohoRecruit.6")
    with pytest.raises(ValueError, match="has no region 'mars'; it has: us, eu"):
        desk.zoho.new_person(region="mars")


def test_with_several_people_the_page_asks_who_is_there_and_keeps_the_request(desk):
    anna = desk.zoho.new_person(region="eu", name="<Anna>")
    for sent in (desk.authorization_url(), desk.authorization_url(person="nobody@example.com")):
        page = desk.send("GET", sent).body.decode()
        assert 'method="get" action="/oauth/v2/auth"' in page
        assert f'name="person" value="{anna.email}"' in page
        assert "&lt;Anna&gt;, sandbox-eu" in page
        assert "ZohoRecruit.modules.ALL,ZohoRecruit.settings.READ" in page
        assert 'value="accept"' not in page


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_consent_page_moves_a_person_to_their_data_centre(desk, method):
    anna = desk.zoho.new_person(region="eu")
    url = desk.authorization_url(person=anna.email, decision="accept")
    moved = desk.send(method, url)
    assert (moved.status, moved.headers["Location"].partition("?")[0]) == (302, "https://127.0.0.1:2/oauth/v2/auth")
    assert "decision" not in moved.headers["Location"], "nothing has been decided there"
    page = desk.send("GET", moved.headers["Location"], at="eu")
    assert page.status == 200
    assert "sandbox-eu" in page.body.decode()
    assert anna.email in page.body.decode()
    accepted = desk.send("POST", moved.headers["Location"] + "&decision=accept", at="eu")
    told = callback(accepted.headers["Location"])
    assert (told["location"], told["accounts-server"], told["state"]) == (
        "sandbox-eu",
        "https://127.0.0.1:2",
        "s p/ace",
    )


@pytest.mark.parametrize("accept", [True, False])
def test_the_click_for_a_person_begins_where_the_url_leads_and_ends_at_their_home(desk, accept):
    anna = desk.zoho.new_person(region="eu")
    told = callback(desk.zoho.consent(authorization_url(desk), accept=accept, person=anna))
    assert told.get("location") == ("sandbox-eu" if accept else None)
    assert ("code" in told, told.get("error")) == (accept, None if accept else "access_denied")


def test_a_code_is_redeemed_where_the_person_lives_and_nowhere_else(desk):
    code = callback(desk.zoho.consent(authorization_url(desk), person=desk.zoho.new_person(region="eu")))["code"]
    assert says(desk.exchange(code, redirect_uri=CALLBACK)) == {"error": "invalid_code"}
    token = says(desk.exchange(code, redirect_uri=CALLBACK, at="eu"))
    assert token["api_domain"] == "https://127.0.0.1:2"
    assert says(desk.refresh(token["refresh_token"])) == {"error": "invalid_code"}
    assert "access_token" in says(desk.token(grant_type="refresh_token", refresh_token=token["refresh_token"], at="eu"))


def test_tokens_of_one_data_centre_are_invalid_in_another(desk):
    token = desk.mint()
    assert desk.api("GET", "Candidates", token, at="us").status == 200
    refused = desk.api("GET", "Candidates", token, at="eu")
    assert (refused.status, says(refused)["code"]) == (401, "INVALID_TOKEN")
    revoked = desk.form("/oauth/v2/token/revoke", {"token": token}, at="eu")
    assert revoked.status == 400
    assert desk.api("GET", "Candidates", token).status == 200


def test_each_data_centre_has_records_of_its_own(desk):
    anna = desk.zoho.new_person(region="eu")
    here, there = desk.mint(), desk.zoho.new_grant(person=anna)
    there = says(desk.token(grant_type="refresh_token", refresh_token=there, at="eu"))["access_token"]
    added = says(desk.api("POST", "Candidates", here, [{"Last_Name": "Abroad"}]))["data"][0]["details"]["id"]
    assert desk.api("GET", f"Candidates/{added}", there, at="eu").status == 400
    ids = [{each["id"] for each in says(desk.api("GET", "Candidates", token, at=at))["data"]}
           for token, at in ((here, "us"), (there, "eu"))]  # fmt: skip
    assert ids[0].isdisjoint(ids[1])
    assert len(ids[1]) == 12


def test_what_is_done_to_all_tokens_is_done_in_all_data_centres(desk):
    grant = desk.zoho.new_grant(person=desk.zoho.new_person(region="eu"))

    def mint():
        return says(desk.token(grant_type="refresh_token", refresh_token=grant, at="eu"))["access_token"]

    for spoil, live in ((desk.zoho.expire_tokens, 0), (desk.zoho.reject_tokens, 1)):
        token = mint()
        assert desk.api("GET", "Candidates", token, at="eu").status == 200
        spoil()
        assert desk.api("GET", "Candidates", token, at="eu").status == 401
        assert desk.zoho.live_access_tokens(grant) == live


def test_twenty_refresh_tokens_are_for_each_person(desk):
    anna = desk.zoho.new_person(region="us")
    oldest = desk.zoho.new_grant()
    for _ in range(20):
        desk.zoho.new_grant(person=anna)
    assert "access_token" in says(desk.refresh(oldest))
    desk.zoho.refresh_tokens_per_user = 0
    assert says(desk.refresh(desk.zoho.new_grant())) == {"error": "invalid_code"}


def test_another_client_has_its_own_codes_and_refresh_tokens(desk):
    other = desk.zoho.new_client()
    credentials = {"client_id": other.client_id, "client_secret": other.client_secret}
    assert other.redirect_uris == desk.zoho.client.redirect_uris
    assert other.redirect_uri == CALLBACK
    code, grant = desk.zoho.new_code(client=other), desk.zoho.new_grant(client=other)
    assert says(desk.exchange(code)) == {"error": "invalid_code"}
    assert says(desk.refresh(grant)) == {"error": "invalid_code"}
    assert says(desk.exchange(code, client_id=other.client_id)) == {"error": "invalid_client_secret"}
    assert "refresh_token" in says(desk.exchange(code, **credentials))
    assert "access_token" in says(desk.token(grant_type="refresh_token", refresh_token=grant, **credentials))
    assert "access_token" in says(desk.exchange(desk.zoho.new_code()))


def test_a_second_consent_without_prompt_gives_another_client_a_refresh_token_all_the_same(desk):
    other = desk.zoho.new_client(redirect_uris=["https://other.example/cb"])
    credentials = {"client_id": other.client_id, "client_secret": other.client_secret}
    first = desk.exchange(desk.agree(prompt=None), redirect_uri=CALLBACK)
    changes = {"client_id": other.client_id, "redirect_uri": other.redirect_uri, "prompt": None}
    second = desk.exchange(desk.agree(**changes), redirect_uri=other.redirect_uri, **credentials)
    assert "refresh_token" in says(first)
    assert "refresh_token" in says(second)


def test_a_client_can_have_a_secret_for_each_data_centre(desk):
    client = desk.zoho.new_client(secret_per_region=True)
    secrets = client.client_secret
    assert set(secrets) == {"sandbox-us", "sandbox-eu"}
    assert secrets["sandbox-us"] != secrets["sandbox-eu"]
    assert not any(secret in repr(client) for secret in secrets.values())
    code = desk.zoho.new_code(client=client, person=desk.zoho.new_person(region="eu"))
    sent = {"client_id": client.client_id, "code": code, "grant_type": "authorization_code", "at": "eu"}
    assert says(desk.token(**sent, client_secret=secrets["sandbox-us"])) == {"error": "invalid_client_secret"}
    assert "access_token" in says(desk.token(**sent, client_secret=secrets["sandbox-eu"]))
    seen = str(desk.zoho.received)
    assert not any(secret in seen for secret in secrets.values())
    assert [each["region"] for each in desk.zoho.received] == ["sandbox-eu"] * 2


def test_a_client_is_unknown_in_a_data_centre_it_was_not_enabled_for(desk):
    client = desk.zoho.new_client(regions=["us"], secret_per_region=True)
    assert set(client.client_secret) == {"sandbox-us"}
    sent = {"client_id": client.client_id, "client_secret": client.client_secret["sandbox-us"], "grant_type": "x"}
    assert says(desk.token(**sent, at="eu")) == {"error": "invalid_client"}
    assert says(desk.token(**sent)) == {"error": "unsupported_grant_type"}
    anna = desk.zoho.new_person(region="eu")
    with pytest.raises(ValueError, match="error page"):
        desk.zoho.consent(authorization_url(desk, client_id=client.client_id), person=anna)
    with pytest.raises(ValueError, match="no region 'mars'"):
        desk.zoho.new_client(regions=["mars"])
    with pytest.raises(ValueError, match="at least one redirect URI"):
        desk.zoho.new_client(redirect_uris=[])


def test_clients_and_people_of_another_sandbox_are_refused(desk):
    stranger = Desk("us").zoho
    for others in ({"client": stranger.new_client()}, {"person": stranger.new_person(region="us", name="Zoe")}):
        for make in (desk.zoho.new_code, desk.zoho.new_grant):
            with pytest.raises(ValueError, match=r"not of this sandbox, or was made before renew\(\)"):
                make(**others)
    with pytest.raises(ValueError, match="not of this sandbox"):
        desk.zoho.consent(authorization_url(desk), person=Desk("mars").zoho.person)


def test_a_click_on_a_page_that_is_none_is_an_error(desk):
    with pytest.raises(ValueError, match="error page"):
        desk.zoho.consent("https://127.0.0.1:1/oauth/v2/nothing?client_id=x")


def test_server_info_lists_all_accounts_servers(desk):
    locations = {"sandbox-us": "https://127.0.0.1:1", "sandbox-eu": "https://127.0.0.1:2"}
    assert says(desk.send("GET", "/oauth/serverinfo", at="eu")) == {"result": "success", "locations": locations}


@pytest.fixture(scope="module", params=[Sandbox, SandboxProcess], ids=["here", "in a process"])
def zoho(request):
    with request.param(regions=("us", "eu")) as zoho:
        yield zoho


def test_over_sockets_each_has_a_port_and_a_code_that_is_none_of_zohos(zoho):
    assert list(zoho.regions) == ["us", "eu"]
    assert zoho.region == zoho.regions["us"]
    assert [region.code for region in zoho.regions.values()] == ["sandbox-us", "sandbox-eu"]
    assert len({region.accounts_url for region in zoho.regions.values()}) == 2
    assert not {region.code for region in zoho.regions.values()} & {region.code for region in Region.all()}


def test_over_sockets_the_library_follows_a_person_to_another_data_centre(zoho):
    anna = zoho.new_person(region="eu")
    client = zoho.new_client(secret_per_region=True)
    back = zoho.consent(
        f"{zoho.region.authorize_url}?response_type=code&client_id={client.client_id}&redirect_uri={client.redirect_uri}"
        "&scope=ZohoRecruit.modules.ALL&access_type=offline",
        person=anna,
    )
    region = Region.from_callback(back, extra=zoho.regions.values())
    assert region == zoho.regions["eu"] == anna.region
    with zoho.session() as session:
        fields = {
            "grant_type": "authorization_code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
        }
        fields |= {"code": callback(back)["code"], "client_secret": client.client_secret[region.code]}
        token = session.post(region.token_url, data=fields, timeout=30).json()
        auth = ZohoRecruitAuth(
            client.client_id,
            client.client_secret,
            region=region,
            refresh_token=token["refresh_token"],
            session=session,
        )
        assert session.get(f"{region.recruit_url}/recruit/v2/Candidates", auth=auth, timeout=30).ok
        header = {"Authorization": f"Zoho-oauthtoken {auth.token.access_token}"}
        wrong = session.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates", headers=header, timeout=30)
        assert wrong.json()["code"] == "INVALID_TOKEN"


def test_over_sockets_a_browser_is_led_from_one_port_to_the_other(zoho):
    anna = zoho.new_person(region="eu")
    url = (
        f"{zoho.region.authorize_url}?response_type=code&client_id={zoho.client_id}&redirect_uri={zoho.redirect_uri}"
        f"&scope=ZohoRecruit.modules.ALL&person={anna.email}"
    )
    with zoho.session() as browser:
        page = browser.get(url, timeout=30)
        assert page.url.startswith(zoho.regions["eu"].authorize_url)
        accepted = browser.post(page.url, data={"decision": "accept"}, allow_redirects=False, timeout=30)
    assert Region.from_callback(accepted.headers["Location"], extra=zoho.regions.values()) == zoho.regions["eu"]


def test_ports_that_are_chosen_follow_one_another():
    with Sandbox() as zoho:
        port = int(zoho.region.accounts_url.rpartition(":")[2])
    with Sandbox(port=port, regions=("us", "eu")) as zoho:
        assert [int(region.accounts_url.rpartition(":")[2]) for region in zoho.regions.values()] == [port, port + 1]


@pytest.mark.parametrize("regions", [(), ("us", "us")])
def test_regions_are_names_each_once(regions):
    with pytest.raises(ValueError, match="at least one name, each once"):
        Sandbox(regions=regions)


def test_a_string_is_no_list_of_regions():
    with pytest.raises(TypeError, match=r"not the string 'eu'"):
        Sandbox(regions="eu")


def test_start_and_stop_do_what_the_block_does():
    zoho = Sandbox(regions=("us",))
    zoho.stop()
    assert zoho.start() is zoho
    url, certificate = zoho.region.accounts_url, zoho.ca_bundle
    with zoho.session() as session:
        assert session.get(f"{url}/oauth/serverinfo", timeout=30).ok
        with pytest.raises(RuntimeError, match=rf"Sandbox\('{url}'\) is running already; stop\(\) it first"):
            zoho.start()
        assert session.get(f"{url}/oauth/serverinfo", timeout=30).ok, "the second start harmed nothing"
    zoho.stop()
    zoho.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/oauth/serverinfo", verify=False, timeout=30)
    with pytest.raises(OSError, match="TLS CA certificate bundle"), zoho.session() as session:
        session.get(url, timeout=30)
    with zoho, zoho.session() as session:
        assert zoho.ca_bundle != certificate
        assert session.get(f"{zoho.region.accounts_url}/oauth/serverinfo", timeout=30).ok
