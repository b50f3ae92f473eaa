"""Where the token may go: the region's hosts and `allowed_hosts`, over https, and nowhere else."""

from __future__ import annotations

import pytest
import requests
import responses
from helpers.engine_parts import WatchedStore, token_record
from helpers.planted_secrets import CLIENT_ID, CLIENT_SECRET, GRANT, quiet_about_secrets, raising

from requests_zohorecruit import Region, UntrustedHostError, ZohoRecruitAuth
from requests_zohorecruit.auth.trusted_hosts import TrustedHosts


@pytest.fixture(autouse=True)
def _quiet(caplog):
    with quiet_about_secrets(caplog):
        yield


def make_auth(store=None, *, region="eu", **options):
    return ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region=region, refresh_token=GRANT, store=store, **options)


def prepared(url):
    """A request whose URL is exactly this, also where requests itself would have mended or refused it."""
    request = requests.Request("GET", "https://recruit.zoho.eu/").prepare()
    request.url = url
    return request


UNTRUSTED = {
    "http": "http://recruit.zoho.eu/recruit/v2/Candidates",
    "http in capitals": "HTTP://recruit.zoho.eu/",
    "another scheme": "ftp://recruit.zoho.eu/",
    "another port": "https://recruit.zoho.eu:8443/",
    "another port that begins like 443": "https://recruit.zoho.eu:4430/",
    "an impossible port": "https://recruit.zoho.eu:99999/",
    "an empty port": "https://recruit.zoho.eu:/",
    "a stranger": "https://evil.example/",
    "another region": "https://recruit.zoho.com/recruit/v2/Candidates",
    "a suffix": "https://recruit.zoho.eu.evil.example/",
    "a prefix": "https://evilrecruit.zoho.eu/",
    "a subdomain": "https://evil.recruit.zoho.eu/",
    "the parent domain": "https://zoho.eu/",
    "our host as user name": "https://recruit.zoho.eu@evil.example/",
    "our host as user name and password": "https://recruit.zoho.eu:443@evil.example/",
    "userinfo in front of our host": "https://me:hush-password@recruit.zoho.eu/",
    "a backslash": "https://evil.example\\@recruit.zoho.eu/",
    "a backslash behind our host": "https://recruit.zoho.eu\\.evil.example/",
    "an encoded dot": "https://recruit%2ezoho.eu/",
    "an encoded slash": "https://recruit.zoho.eu%2f.evil.example/",
    "a trailing dot": "https://recruit.zoho.eu./",
    "a fragment": "https://evil.example#https://recruit.zoho.eu/",
    "a query": "https://evil.example?https://recruit.zoho.eu/",
    "a tab": "https://recruit.zoho.eu\t.evil.example/",
    "a line break": "https://recruit.zoho.eu\n.evil.example/",
    "a non-ASCII host": "https://recruit.zoho.\u0435u/",
    "a letter that folds to k": "https://rec\u212auit.zoho.eu/",
    "an IPv6 address": "https://[::1]/",
    "a broken IPv6 address": "https://[::1/",
    "no host": "https:///recruit/v2/Candidates",
    "nothing": "",
    "None": None,
}


@pytest.mark.parametrize("url", UNTRUSTED.values(), ids=UNTRUSTED.keys())
def test_T38_T40_a_request_elsewhere_is_refused_before_any_token_call_or_store_access(url):
    store = WatchedStore(token_record())
    auth = make_auth(store)
    request = prepared(url)
    with responses.RequestsMock() as wire, raising(UntrustedHostError, match="was not sent to") as caught:
        auth(request)
    assert len(wire.calls) == 0
    assert store.done == []
    assert auth.token is None
    assert "Authorization" not in request.headers
    assert request.hooks["response"] == []
    assert caught.value.region == "eu"
    assert isinstance(caught.value, ValueError)


def test_the_error_names_the_host_and_where_the_token_may_go_and_nothing_else_of_the_url():
    with raising(UntrustedHostError) as caught:
        make_auth()(prepared("https://evil.example:8443/path?key=in-the-query"))
    assert str(caught.value) == (
        "The access token of region eu was not sent to evil.example:8443, which is not one of its hosts. Build addresses "
        "from auth.region.recruit_url (https://recruit.zoho.eu). To trust a host of your own, add it to "
        "allowed_hosts."
    )


@pytest.mark.parametrize("host", ["recruit.zoho.com", "www.zohoapis.com", "upload.zoho.com", "RECRUIT.zoho.com:443"])
def test_the_error_about_another_regions_host_names_our_recruit_url_first(host):
    with raising(UntrustedHostError) as caught:
        make_auth()(prepared(f"https://{host}/recruit/v2/Candidates"))
    assert str(caught.value) == (
        f"The access token of region eu was not sent to {host.lower().removesuffix(':443')}, which belongs to region us. "
        "Build addresses from auth.region.recruit_url (https://recruit.zoho.eu); or, if the account is in region us, pass "
        "region='us'. To trust a host of your own, add it to allowed_hosts."
    )


def test_T33_the_error_about_http_says_that_only_https_is_safe():
    with raising(UntrustedHostError, match="was not sent to recruit.zoho.eu: only https is safe for it"):
        make_auth()(prepared("http://recruit.zoho.eu/"))
    with raising(UntrustedHostError, match="was not sent to http:8080: only https is safe for it"):
        make_auth()(prepared("http://http:8080/"))
    with raising(UntrustedHostError, match="Use an https address: auth.region.recruit_url is https://recruit.zoho.eu"):
        make_auth(allowed_hosts=["proxy.example"])(prepared("http://proxy.example/"))


@pytest.mark.parametrize("url", ["https://a:hush@b/", "gopher://x/", "", None])
def test_what_cannot_be_shown_of_a_url_is_called_odd(url):
    with raising(UntrustedHostError, match="not sent to a malformed address") as caught:
        make_auth()(prepared(url))
    assert "hush" not in str(caught.value)


TRUSTED = {
    "recruit": "https://recruit.zoho.eu/recruit/v2/Candidates",
    "upload": "https://upload.zoho.eu/recruit/v2/upload",
    "accounts": "https://accounts.zoho.eu/",
    "the API domain": "https://www.zohoapis.eu/",
    "port 443": "https://recruit.zoho.eu:443/x",
    "no path": "https://recruit.zoho.eu",
    "only a query": "https://recruit.zoho.eu?page=1",
    "upper case": "HTTPS://RECRUIT.ZOHO.EU/x",
    "an odd path": "https://recruit.zoho.eu/@evil.example/\\x y",
}


@pytest.mark.parametrize("url", TRUSTED.values(), ids=TRUSTED.keys())
def test_a_request_to_a_host_of_the_region_is_signed(url):
    auth = make_auth(WatchedStore(token_record()))
    auth._refresher.grant.clock = lambda: 1_800_000_000.0
    assert auth(prepared(url)).headers["Authorization"] == "Zoho-oauthtoken T0"


def test_what_requests_makes_of_a_host_is_what_counts():
    auth = make_auth(WatchedStore(token_record()))
    auth._refresher.grant.clock = lambda: 1_800_000_000.0
    request = requests.Request("GET", "https://RECRUIT.zoho.EU", auth=auth).prepare()
    assert request.url == "https://recruit.zoho.eu/"
    assert request.headers["Authorization"] == "Zoho-oauthtoken T0"
    with raising(UntrustedHostError, match="was not sent to recruit.xn--"):
        requests.Request("GET", "https://recruit.z\u043eho.eu/", auth=auth).prepare()


class TestAllowedHosts:
    def trusts(self, url, *allowed):
        return TrustedHosts(Region.lookup("eu"), allowed).trusts(url)

    @pytest.mark.parametrize(
        ("entry", "url", "trusted"),
        [
            ("recruitsandbox.zoho.eu", "https://recruitsandbox.zoho.eu/x", True),
            ("recruitsandbox.zoho.eu", "https://recruitsandbox.zoho.eu:8443/x", False),
            ("recruitsandbox.zoho.eu", "http://recruitsandbox.zoho.eu/x", False),
            ("proxy.example:8443", "https://proxy.example:8443/x", True),
            ("proxy.example:8443", "https://proxy.example/x", False),
            ("proxy.example:443", "https://proxy.example/x", True),
            ("PROXY.Example", "https://proxy.example/x", True),
            ("[::1]:8443", "https://[::1]:8443/x", True),
            ("[::1]", "https://[::1]/x", True),
            ("[::1]", "https://[::2]/x", False),
            ("127.0.0.1:8443", "https://127.0.0.1:8443/x", True),
            ("[FE80::A]:8443", "https://[fe80::a]:8443/x", True),
            ("PROXY.example:0443", "https://proxy.example/x", True),
            ("my_proxy", "https://my_proxy/x", True),
            ("a" * 63 + ".example", f"https://{'a' * 63}.example/x", True),
            ("xn--prxy-7qa.example", "https://xn--prxy-7qa.example/x", True),
            ("http:8080", "https://http:8080/x", True),
            ("a." * 122 + "longname:8443", f"https://{'a.' * 122}longname:8443/x", True),
            ("1password.example:65535", "https://1password.example:65535/x", True),
        ],
    )
    def test_an_entry_is_that_host_and_that_port_over_https(self, entry, url, trusted):
        assert self.trusts(url, entry) is trusted

    def test_the_hosts_of_the_region_stay_trusted(self):
        assert self.trusts("https://recruit.zoho.eu/", "proxy.example")

    def test_any_iterable_will_do(self):
        auth = make_auth(allowed_hosts=(host for host in ["proxy.example"]))
        assert auth._hosts.trusts("https://proxy.example/")

    @pytest.mark.parametrize("text", ["recruitsandbox.zoho.eu", b"recruitsandbox.zoho.eu"])
    def test_one_string_is_refused_because_its_letters_would_be_the_hosts(self, text):
        with raising(TypeError, match="allowed_hosts must be a collection of hosts, not one string"):
            make_auth(allowed_hosts=text)

    @pytest.mark.parametrize(
        ("entry", "kind"), [(None, "NoneType"), (443, "int"), (b"a", "bytes"), (("proxy.example", 443), "tuple")]
    )
    def test_an_entry_that_is_no_string_is_refused(self, entry, kind):
        with raising(TypeError, match=f"allowed_hosts must hold strings, not {kind}$"):
            make_auth(allowed_hosts=[entry])

    @pytest.mark.parametrize(
        "entry",
        [
            "",
            " ",
            "proxy.example ",
            "proxy.example:",
            "proxy.example:x",
            "proxy.example:99999",
            "proxy.example.",
            "proxy.example/path",
            "proxy.example?token=hush",
            "proxy.example#hush",
            "me:hush@proxy.example",
            "https://me:hush@proxy.example",
            "http://proxy.example",
            "*.zoho.eu",
            "%70roxy.example",
            "pröxy.example",
            "proxy\\example",
            "[::1",
            "::1",
            "[::1]x",
            "[fe80::1%eth0]",
            "[::g]",
            "[1234]",
            "[]",
            "proxy.example:0",
            "proxy.example:-1",
            "proxy.example:443:443",
            "proxy.example,other.example",
            "proxy.example;other.example",
            ".example",
            "proxy..example",
            "-proxy.example",
            "proxy-.example",
            "proxy.example\n",
            "\tproxy.example",
            "'proxy.example'",
            "(proxy.example)",
            "8443",
            "a" * 64 + ".example",
            "a." * 127 + "example",
            "8443:8443",
        ],
    )
    def test_an_entry_that_is_no_host_is_refused_and_not_shown(self, entry):
        with raising(
            ValueError, match=r"allowed_hosts must hold host or host:port values, and entry 2 is none: "
        ) as caught:
            make_auth(allowed_hosts=["proxy.example", entry])
        assert "hush" not in str(caught.value)

    def test_none_is_no_collection(self):
        with raising(TypeError):
            make_auth(allowed_hosts=None)
