"""The table of data centres, and who is believed about it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from urllib.parse import quote, urlencode

import pytest
from helpers.planted_secrets import raising

from requests_zohorecruit.errors import AuthorizationError, UnknownRegionError, UntrustedHostError
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.regions import Region, https_host

CODES = ("us", "eu", "in", "au", "jp", "cn", "ca", "sa", "uk", "ae", "sg")
MARS = Region("mars", "https://accounts.zoho.example:8443", "https://recruit.zoho.example:8443")

#: Ways to say "accounts.zoho.eu" and mean another host, or to be read differently by different parsers.
FORGED = [
    "https://accounts.zoho.eu.evil.example",
    "https://accounts.zoho.eu.",
    "https://accounts.zoho.eu./",
    "https://evil.example/accounts.zoho.eu",
    "https://evil.example?https://accounts.zoho.eu",
    "https://evil.example#https://accounts.zoho.eu",
    "https://accounts.zoho.eu@evil.example",
    "https://accounts.zoho.eu:443@evil.example",
    "https://user@accounts.zoho.eu",
    "https://user:password@accounts.zoho.eu",
    "https://@accounts.zoho.eu",
    "https://accounts.zoho.eu:8443",
    "https://accounts.zoho.eu:80",
    "https://accounts.zoho.eu:443",
    "https://accounts.zoho.eu:",
    "https://accounts.zoho.eu:443.evil.example",
    "http://accounts.zoho.eu",
    "HTTPS://accounts.zoho.eu",
    "HTTPS://ACCOUNTS.ZOHO.EU",
    "https://Accounts.zoho.eu",
    "ftp://accounts.zoho.eu",
    "javascript://accounts.zoho.eu",
    "//accounts.zoho.eu",
    "https:/accounts.zoho.eu",
    "https:accounts.zoho.eu",
    "https:///accounts.zoho.eu",
    "accounts.zoho.eu",
    "https://accounts.zoho.eu/oauth",
    "https://accounts.zoho.eu//",
    "https://accounts.zoho.eu/.",
    "https://accounts.zoho.eu/..",
    "https://accounts.zoho.eu?",
    "https://accounts.zoho.eu?x=1",
    "https://accounts.zoho.eu#",
    "https://accounts.zoho.eu#x",
    "https://accounts.zoho.eu;x",
    "https://accounts.zoho.eu\\@evil.example",
    "https://evil.example\\@accounts.zoho.eu",
    "https:\\\\accounts.zoho.eu",
    "https://accounts.zoho.eu\\",
    "https://accounts.zoho.eu%2eevil.example",
    "https://accounts%2Ezoho%2Eeu",
    "https://%61ccounts.zoho.eu",
    "https://accounts.zoho.eu%00.evil.example",
    "https://accounts.zoho.eu\x00",
    "https://accounts.zoho.eu\n",
    "https://accounts.zoho\n.eu",
    "https://accounts.zoho.eu\r\nHost: evil.example",
    "\thttps://accounts.zoho.eu",
    " https://accounts.zoho.eu",
    "https://accounts.zoho.eu ",
    "https://accounts .zoho.eu",
    "https://accounts\u3002zoho\u3002eu",  # ideographic full stops
    "https://accounts.zoho\uff0eeu",  # a full-width one
    "https://\u0430ccounts.zoho.eu",  # Cyrillic a
    "https://accounts.\u24e9oho.eu",  # a circled z, which IDNA folds
    "https://accounts.zoho.eu\u200b",
    "https://accounts.zoho.eu\u2044evil.example",  # a fraction slash
    "https://accounts.zoho.eu\u2100.evil.example",
    "https://xn--ccounts-1nf.zoho.eu",
    "https://evilaccounts.zoho.eu",
    "https://accounts-zoho.eu",
    "https://accounts.zoho.eu,https://evil.example",
    "https://[accounts.zoho.eu]",
    "https://[::1]",
    "https://[",
    "https://recruit.zoho.eu",
    "https://www.zohoapis.eu",
    "https://accounts.zoho.ca",
    "https://accounts.zoho.au",
    "https://accounts.zoho.cn",
    "https://accounts.zoho.com.sg",
    "https://accounts.zohohq.in",
    "https://",
    "https://.",
    "null",
]


def callback(**values):
    values = {
        "state": "s",
        "code": "1000.planted-code",
        "location": "eu",
        "accounts-server": "https://accounts.zoho.eu",
    } | values
    return "https://app.example/callback?" + urlencode(
        {name: value for name, value in values.items() if value is not None}
    )


# -- the table ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "aliases", "accounts", "recruit", "upload", "api"),
    [
        ("us", ["com", "usa"], "accounts.zoho.com", "recruit.zoho.com", "upload.zoho.com", "www.zohoapis.com"),
        ("eu", [], "accounts.zoho.eu", "recruit.zoho.eu", "upload.zoho.eu", "www.zohoapis.eu"),
        ("in", [], "accounts.zoho.in", "recruit.zoho.in", "upload.zoho.in", "www.zohoapis.in"),
        ("au", ["com.au"], "accounts.zoho.com.au", "recruit.zoho.com.au", "upload.zoho.com.au", "www.zohoapis.com.au"),
        ("jp", [], "accounts.zoho.jp", "recruit.zoho.jp", "upload.zoho.jp", "www.zohoapis.jp"),
        ("cn", ["com.cn"], "accounts.zoho.com.cn", "recruit.zoho.com.cn", "upload.zoho.com.cn", "www.zohoapis.com.cn"),
        ("ca", [], "accounts.zohocloud.ca", "recruit.zohocloud.ca", "upload.zohocloud.ca", "www.zohoapis.ca"),
        ("sa", ["ksa"], "accounts.zoho.sa", "recruit.zoho.sa", "upload.zoho.sa", "www.zohoapis.sa"),
        ("uk", ["gb"], "accounts.zoho.uk", "recruit.zoho.uk", "upload.zoho.uk", "www.zohoapis.uk"),
        ("ae", ["uae"], "accounts.zoho.ae", "recruit.zoho.ae", "upload.zoho.ae", "www.zohoapis.ae"),
        ("sg", [], "accounts.zoho.sg", "recruit.zoho.sg", "upload.zoho.sg", "www.zohoapis.sg"),
    ],
)
def test_T43_every_region_has_the_hosts_of_the_table(code, aliases, accounts, recruit, upload, api):
    region = Region.lookup(code)
    assert region.code == code
    urls = (region.accounts_url, region.recruit_url, region.upload_url, region.api_domain)
    assert urls == tuple(f"https://{host}" for host in (accounts, recruit, upload, api))
    assert region.hosts == {accounts, recruit, upload, api}
    assert region.authorize_url == f"https://{accounts}/oauth/v2/auth"
    assert region.token_url == f"https://{accounts}/oauth/v2/token"
    assert region.revoke_url == f"https://{accounts}/oauth/v2/token/revoke"
    for name in (code, *aliases, f"https://{accounts}", f"https://{accounts}/"):
        assert Region.lookup(name) is region
        assert Region.lookup(name.upper()) is region


def test_all_regions_of_the_table_are_told():
    assert tuple(region.code for region in Region.all()) == CODES


def test_a_region_is_looked_up_as_itself_and_survives_pickling():
    for region in (*Region.all(), MARS):
        assert Region.lookup(region) is region
        assert pickle.loads(pickle.dumps(region)) == copy.deepcopy(region) == region
        assert hash(copy.copy(region)) == hash(region)


@pytest.mark.parametrize(
    "name",
    [
        "xx",
        "",
        "inec",
        "zoho.eu",
        "accounts.zoho.ca",
        "https://eu",
        "https://com.au",
        "https://accounts.zoho.au",
        "europe",
        "e\u0075\u0301",
        "u\u212a",
    ],
)
def test_T42_an_unknown_region_lists_the_known_ones(name):
    with pytest.raises(UnknownRegionError) as caught:
        Region.lookup(name)
    assert ", ".join(CODES) in str(caught.value)


def test_T42_the_name_that_is_unknown_is_told():
    with pytest.raises(UnknownRegionError, match="'mars'.* For any other data centre, create a Region"):
        Region.lookup("mars")


@pytest.mark.parametrize(
    "value", ["1000.planted-" + "a" * 64, "https://user:planted@accounts.zoho.eu", "planted secret"]
)
def test_T60_a_secret_in_place_of_a_region_is_not_repeated(value):
    with raising(UnknownRegionError):
        Region.lookup(value)


@pytest.mark.parametrize("value", [None, 5, b"eu", ["eu"], {"planted": "planted"}])
def test_what_is_no_name_is_no_region(value):
    with pytest.raises(TypeError, match=type(value).__name__) as caught:
        Region.lookup(value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("url", FORGED)
def test_T40_a_forged_address_is_no_region_and_one_of_zohos_is_the_tables(url):
    host = https_host(url if ":" in url else f"https://{url}")
    try:
        region = Region.lookup(url)
    except UnknownRegionError:
        assert host is None or not host.endswith("zoho.eu") or host not in Region.lookup("eu").hosts
    else:
        assert region is Region.lookup("eu")  # with its own addresses, whatever the rest of this one was
        assert host in region.hosts


@pytest.mark.parametrize(
    "address",
    [
        "recruit.zoho.in",
        "Recruit.Zoho.IN",
        "recruit.zoho.in:443",
        "https://recruit.zoho.in",
        "https://recruit.zoho.in/recruit/org123/ImportParser.do?module=Candidates",
        "recruit.zoho.in/recruit/v2/Candidates",
        "https://recruit.zoho.in/recruit/org123/ShowTab.do#detail",
        "upload.zoho.in",
        "www.zohoapis.in",
        "https://www.zohoapis.in/",
        "accounts.zoho.in",
        "https://accounts.zoho.in/oauth/v2/token",
    ],
)
def test_an_address_of_a_region_is_its_name_too(address):
    assert Region.lookup(address) is Region.lookup("in")


@pytest.mark.parametrize(
    "address",
    ["http://recruit.zoho.in", "recruit.zoho.in:8443", "recruit.zoho.in.evil.example", "evil.example/recruit.zoho.in"],
)
def test_T40_an_address_elsewhere_is_no_region(address):
    with pytest.raises(UnknownRegionError):
        Region.lookup(address)


@pytest.mark.parametrize("name", ["mars", "us-east-1", "EUROPE", "zoho.mars", "https://accounts.zoho.mars", ""])
@pytest.mark.parametrize("kind", [str, Secret])
def test_an_unknown_region_that_is_short_and_plain_is_shown(name, kind):
    with pytest.raises(UnknownRegionError, match="No Zoho region is named ") as caught:
        Region.lookup(kind(name))
    assert f" {name!r};" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "0123456789abcdef0123456789abcdef",
        "1000.ABCDEFGHIJ1234567890",
        "https://accounts.zoho.mars/?token=hush",
        "hush hush",
        "m\u00e4rs",
        "mars\n",
        "x" * 17,
        "x." * 40 + "x",
    ],
)
def test_T60_an_unknown_region_that_may_be_a_secret_is_not_shown(value):
    with pytest.raises(
        UnknownRegionError, match=r"No Zoho region has that name \(not shown: it may be a secret\)"
    ) as caught:
        Region.lookup(value)
    assert value.strip() not in str(caught.value)
    with pytest.raises(ValueError, match="region code") as caught:
        Region(f"{value} ", "https://a.example", "https://r.example")
    assert value.strip() not in str(caught.value)


# -- codes of the table ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [*CODES, "com", "com.au", "usa", "ksa", "gb", "uae"])
@pytest.mark.parametrize("field", ["accounts_url", "recruit_url", "upload_url", "api_domain"])
def test_t90_a_name_of_the_table_with_another_url_is_refused(code, field):
    region = Region.lookup(code)
    with raising(
        ValueError, match=f"region {region.code}, which has other addresses|is not a short lower-case name"
    ) as caught:
        dataclasses.replace(region, code=code, **{field: "https://evil.example"})
    assert "evil" not in str(caught.value)


def test_t90_the_error_says_what_to_do():
    with pytest.raises(UntrustedHostError) as caught:
        Region("eu", "https://accounts.zoho.example", "https://recruit.zoho.example")
    assert str(caught.value) == (
        "'eu' is the name of Zoho's region eu, which has other addresses than this one. Use Region.lookup('eu'), or "
        "define your own region, such as a test server's, with another code."
    )
    assert caught.value.region == "eu"


def test_t90_a_known_region_can_be_made_with_its_own_urls():
    region = Region.lookup("eu")
    urls = (region.accounts_url, region.recruit_url, region.upload_url, region.api_domain)
    assert Region("eu", *urls) == dataclasses.replace(region) == region


def test_t90_a_region_that_is_unpickled_is_checked_again():
    evil = Region.lookup("eu")
    evil = pickle.loads(pickle.dumps(evil))
    object.__setattr__(evil, "accounts_url", "https://evil.example")
    for duplicate in (copy.copy, copy.deepcopy, lambda region: pickle.loads(pickle.dumps(region))):
        with pytest.raises(UntrustedHostError, match="region eu, which has other addresses"):
            duplicate(evil)


# -- custom regions ----------------------------------------------------------------------------------------------------


def test_a_custom_region_has_its_recruit_url_where_nothing_else_is_given():
    region = Region("mars-1", "https://Accounts.Zoho.Example/", "HTTPS://recruit.zoho.example:443")
    assert region.accounts_url == "https://accounts.zoho.example"
    assert region.recruit_url == region.upload_url == region.api_domain == "https://recruit.zoho.example"
    assert region.hosts == {"accounts.zoho.example", "recruit.zoho.example"}
    assert MARS.hosts == {"accounts.zoho.example:8443", "recruit.zoho.example:8443"}


def test_a_custom_region_may_have_hosts_for_everything():
    region = Region("mars", "https://a.example", "https://r.example", "https://u.example", "https://[::1]:99")
    assert region.hosts == {"a.example", "r.example", "u.example", "[::1]:99"}


@pytest.mark.parametrize("field", ["accounts_url", "recruit_url", "upload_url", "api_domain"])
@pytest.mark.parametrize(
    "url",
    [
        "http://accounts.zoho.example",
        "https://user@accounts.zoho.example",
        "https://user:planted@accounts.zoho.example",
        "https://accounts.zoho.example/path",
        "https://accounts.zoho.example//",
        "https://accounts.zoho.example?",
        "https://accounts.zoho.example?q",
        "https://accounts.zoho.example#",
        "https://accounts.zoho.example#f",
        "https://accounts.zoho.example:",
        "https://accounts.zoho.example:port",
        "https://accounts.zoho.example:99999",
        "https://accounts.zoho.example.",
        "https://",
        "accounts.zoho.example",
        "https://\u0430ccounts.zoho.example",
        "https://accounts.zoho.example\\",
        "https://accounts.zoho.example\n",
        " https://accounts.zoho.example",
    ],
)
def test_T40_a_custom_region_takes_https_origins_only(field, url):
    urls = {"accounts_url": "https://a.example", "recruit_url": "https://r.example", field: url}
    with pytest.raises(UntrustedHostError, match=f"{field} of region 'mars'") as caught:
        Region("mars", **urls)
    assert caught.value.region == "mars"
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("field", ["accounts_url", "recruit_url"])
def test_a_custom_region_needs_both_urls(field):
    with pytest.raises(UntrustedHostError, match=field):
        Region("mars", **({"accounts_url": "https://a.example", "recruit_url": "https://r.example"} | {field: ""}))


@pytest.mark.parametrize("code", ["", "EU", "e u", "-eu", "a" * 33, "eu\n", "\u00e9u"])
def test_a_region_code_is_a_short_lower_case_name(code):
    with pytest.raises(ValueError, match="short lower-case name"):
        Region(code, "https://a.example", "https://r.example")


def test_a_region_cannot_be_changed():
    region = Region("mars", "https://a.example", "https://r.example")
    with pytest.raises(dataclasses.FrozenInstanceError):
        region.accounts_url = "https://evil.example"
    assert not hasattr(region, "__dict__")


def test_a_region_is_made_of_text():
    with pytest.raises(TypeError, match="region code must be a string, not int"):
        Region(5, "https://a.example", "https://r.example")
    with pytest.raises(TypeError, match="accounts_url must be a string, not bytes"):
        Region("mars", b"https://a.example", "https://r.example")


# -- hosts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://recruit.zoho.eu/recruit/v2/Candidates?page=1#x", "recruit.zoho.eu"),
        ("https://recruit.zoho.eu", "recruit.zoho.eu"),
        ("HTTPS://Recruit.Zoho.EU:443/", "recruit.zoho.eu"),
        ("https://recruit.zoho.eu:8443/", "recruit.zoho.eu:8443"),
        ("https://127.0.0.1:1/", "127.0.0.1:1"),
        ("https://[::1]/", "[::1]"),
        ("https://[::1]:8443/", "[::1]:8443"),
        ("https://recruit.zoho.eu#@evil.example", "recruit.zoho.eu"),
        ("https://evil.example?@recruit.zoho.eu", "evil.example"),
        ("https://evil.example/@recruit.zoho.eu", "evil.example"),
        ("http://recruit.zoho.eu/", None),
        ("https://recruit.zoho.eu./", None),
        ("https://recruit.zoho.eu@evil.example/", None),
        ("https://@recruit.zoho.eu/", None),
        ("https://recruit.zoho.eu:/", None),
        ("https://recruit.zoho.eu:0x1bb/", None),
        ("https://recruit.zoho.eu:65536/", None),
        ("https://recruit.zoho.eu\\.evil.example/", None),
        ("https://recruit.zoho.eu/ x", None),
        ("https://recruit.zoho.\u0435u/", None),
        ("https://recruit.zoho.eu/\t", None),
        ("https:///recruit", None),
        ("https://[::1", None),
        ("", None),
        (None, None),
        (b"https://recruit.zoho.eu/", None),
        ("https://recruit%2Ezoho.eu/", None),
        ("https://[fe80::1%25eth0]/", None),
        ("https://[::1]x/", None),
        ("https://[::1].evil.example/", None),
    ],
)
def test_T40_the_host_of_an_url_is_the_one_it_goes_to_or_none(url, host):
    assert https_host(url) == host


@pytest.mark.parametrize(
    ("value", "trusted"),
    [
        ("https://www.zohoapis.eu", "https://www.zohoapis.eu"),
        ("https://www.zohoapis.eu/", "https://www.zohoapis.eu"),
        ("https://www.zohoapis.com", "https://www.zohoapis.com"),
        ("https://api.zoho.com", "https://api.zoho.com"),
        ("https://recruit.zoho.eu", "https://recruit.zoho.eu"),
        ("https://recruit.zoho.com", None),
        ("recruit.zoho.eu", None),
        ("www.zohoapis.eu", None),
        ("http://www.zohoapis.eu", None),
        ("https://www.zohoapis.eu.evil.example", None),
        ("https://www.zohoapis.eu//", None),
        ("https://evil.example", None),
        ("", None),
        (None, None),
        (["https://www.zohoapis.eu"], None),
    ],
)
def test_T40_an_api_domain_is_one_of_zohos_or_dropped(value, trusted):
    assert Region.lookup("eu").trusted_api_domain(value) == trusted


def test_the_api_domain_of_a_custom_region_is_trusted_there_only():
    assert MARS.trusted_api_domain("https://recruit.zoho.example:8443/") == "https://recruit.zoho.example:8443"
    assert MARS.trusted_api_domain("https://recruit.zoho.example") is None
    assert Region.lookup("eu").trusted_api_domain("https://recruit.zoho.example:8443") is None


# -- Zoho's redirect ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", Region.all(), ids=CODES)
def test_T40_the_callback_names_a_region_of_the_table(region):
    assert Region.from_callback(callback(location=region.code, **{"accounts-server": region.accounts_url})) is region
    slash = callback(location=region.code, **{"accounts-server": region.accounts_url + "/"})
    assert Region.from_callback(slash + "&") is region


def test_an_alias_is_a_location_too():
    assert Region.from_callback(callback(location="gb", **{"accounts-server": "https://accounts.zoho.uk"})).code == "uk"


@pytest.mark.parametrize("server", FORGED)
def test_T40_a_forged_accounts_server_is_refused(server):
    known = {known.accounts_url for known in Region.all()}
    assert server.removesuffix("/") not in known
    with raising(UntrustedHostError, match="nothing was sent to it. If this is a new Zoho data centre, pass a custom"):
        Region.from_callback(callback(**{"accounts-server": server}))


@pytest.mark.parametrize("server", ["https%3A%2F%2Faccounts.zoho.eu", "https%253A%252F%252Faccounts.zoho.eu"])
def test_T40_an_accounts_server_encoded_twice_is_refused(server):
    with pytest.raises(UntrustedHostError):
        Region.from_callback(callback(**{"accounts-server": server}))


def test_T40_only_the_query_is_read():
    inside = quote("https://accounts.zoho.eu", safe="")
    with pytest.raises(AuthorizationError, match="names no accounts-server"):
        Region.from_callback(f"https://app.example/callback#location=eu&accounts-server={inside}")
    with pytest.raises(AuthorizationError, match="names no accounts-server"):
        Region.from_callback(f"https://app.example/location=eu&accounts-server={inside}")


@pytest.mark.parametrize(
    ("location", "server"),
    [
        ("eu", "https://accounts.zoho.com"),
        ("us", "https://accounts.zoho.eu"),
        ("xx", "https://accounts.zoho.eu"),
        ("EU", "https://accounts.zoho.eu"),
        ("mars", "https://accounts.zoho.eu"),
        ("eu", MARS.accounts_url),
    ],
)
def test_T41_a_location_that_contradicts_the_server_is_refused(location, server):
    with raising(AuthorizationError, match="together with another location") as caught:
        Region.from_callback(callback(location=location, **{"accounts-server": server}), [MARS])
    assert (
        caught.value.region
        == Region.from_callback(callback(**{"location": caught.value.region, "accounts-server": server}), [MARS]).code
    )


@pytest.mark.parametrize("missing", ["location", "accounts-server"])
@pytest.mark.parametrize("value", [None, ""])
def test_T41_a_callback_without_both_values_is_refused(missing, value):
    with raising(
        AuthorizationError, match=f"names no {missing}; nothing was sent. Start the authorization again"
    ) as caught:
        Region.from_callback(callback(**{missing: value}))
    assert caught.value.region == ("eu" if missing == "location" else None)


@pytest.mark.parametrize("name", ["code", "state", "location", "accounts-server", "error"])
def test_T40_a_value_given_twice_is_refused(name):
    with raising(AuthorizationError, match=f"gives {name} twice"):
        Region.from_callback(callback(**{name: "1000.planted"}) + f"&{name}=x")


def test_a_custom_region_is_accepted_when_it_is_passed():
    url = callback(location="mars", **{"accounts-server": MARS.accounts_url})
    assert Region.from_callback(url, [MARS]) is MARS
    assert Region.from_callback(url, (region for region in [MARS])) is MARS
    with pytest.raises(UntrustedHostError):
        Region.from_callback(url)


def test_a_custom_region_of_a_known_accounts_server_leaves_the_known_one_in_place():
    sandbox = Region("eu-sandbox", "https://accounts.zoho.eu", "https://recruitsandbox.zoho.eu")
    assert Region.from_callback(callback(), [sandbox]).recruit_url == "https://recruit.zoho.eu"
    assert Region.from_callback(callback(location="eu-sandbox"), [sandbox]) is sandbox


@pytest.mark.parametrize(
    ("word", "code", "hinted"),
    [
        ("access_denied", "access_denied", True),
        ("invalid_scope", "invalid_scope", False),
        ("1000.planted", None, False),
        ("<b>", None, False),
    ],
)
def test_a_refusal_is_an_authorization_error_with_zohos_word(word, code, hinted):
    with raising(AuthorizationError, match=rf"did not grant access \({code or 'an unknown error'}\)") as caught:
        Region.from_callback(callback(error=word))
    assert caught.value.code == code
    assert bool(caught.value.hint) is hinted


@pytest.mark.parametrize("url", ["https://[", "?" + "&".join(f"x{n}=1" for n in range(51))])
def test_a_callback_that_cannot_be_read_is_refused(url):
    with pytest.raises(AuthorizationError, match="cannot be read") as caught:
        Region.from_callback(url)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", [None, 5, b"https://app.example/?x"])
def test_a_callback_is_text(url):
    with pytest.raises(TypeError, match=f"the callback URL must be a string, not {type(url).__name__}$"):
        Region.from_callback(url)
