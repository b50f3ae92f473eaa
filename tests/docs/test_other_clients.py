"""The recipes for other HTTP clients keep what ``auth=`` promises: one refresh, one more try, and no other hosts."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import requests
from helpers.doc_pages import DOCS, blocks
from helpers.doc_preambles import Stage, other_clients
from helpers.engine_parts import in_threads

EXAMPLES = [block.text for block in blocks(DOCS / "howto/other-clients.rst") if block.language == "python"]
#: A word of the example that makes a call; those that it builds on come before it.
CLIENTS = [
    "httpx.Client(",
    "httpx.AsyncClient(",
    "aiohttp.ClientSession(",
    "urllib3.PoolManager(",
    "urlopen(",
    '"curl"',
]


@pytest.fixture
def stage(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    stage = Stage(monkeypatch=monkeypatch, names={})
    with contextlib.contextmanager(other_clients)(stage):
        for word in ("from_env(", "def call(", "class ZohoAuth("):
            run(stage, word)
        yield stage


@pytest.fixture
def zoho(stage):
    return stage.zoho


@pytest.fixture
def names(stage):
    return stage.names


def run(stage, word):
    (example,) = (text for text in EXAMPLES if word in text)
    exec(compile(example, f"the example with {word}", "exec"), stage.names)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_call_and_one_whose_token_is_rejected_make_two_token_requests(stage, zoho, names, client):
    for expected in (1, 2):
        run(stage, client)
        assert len(names.pop("candidates")) == 12
        assert zoho.token_requests == expected
        zoho.reject_tokens()
    assert zoho.api_requests == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_t21_an_api_that_rejects_everything_is_answered_with_one_mint_and_then_with_patience(stage, zoho, client):
    zoho.reject_all = True
    for _ in range(3):
        # As each client tells of an error, and the others by a body without data.
        with pytest.raises(Exception, match="401|data"):
            run(stage, client)
    assert zoho.token_requests == 2
    zoho.reject_all = False
    run(stage, client)
    assert zoho.token_requests == 2


def test_64_threads_that_mix_requests_httpx_and_get_token_make_one_token_request(stage, zoho, names):
    import httpx

    auth = names["auth"]
    url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
    with zoho.session() as session, httpx.Client(auth=names["ZohoAuth"](auth), timeout=60) as client:
        ways = [
            lambda: session.get(url, auth=auth, timeout=60).status_code,
            lambda: client.get(url).status_code,
            lambda: 200 if auth.get_token().authorization.startswith("Zoho-oauthtoken 1000.") else 0,
        ]
        assert in_threads(64, lambda index: ways[index % 3]()) == [200] * 64
    assert zoho.token_requests == 1


def test_t09_httpx_and_aiohttp_send_nothing_to_another_host(stage, zoho, names):
    import aiohttp
    import httpx

    run(stage, "aiohttp.ClientSession(")
    foreign = [zoho.elsewhere, f"{zoho.region.recruit_url}.example/", f"{zoho.region.recruit_url}@evil.example/"]

    async def get_with_httpx(url):
        async with httpx.AsyncClient(auth=names["ZohoAuth"](names["auth"])) as client:
            await client.get(url)

    async def get_with_aiohttp(url):
        async with aiohttp.ClientSession(middlewares=[names["sign"]]) as session:
            await session.get(url)

    before = len(zoho.received)
    for url in foreign:
        with (
            httpx.Client(auth=names["ZohoAuth"](names["auth"])) as client,
            pytest.raises((ValueError, httpx.InvalidURL)),
        ):
            client.get(url)
        for get in (get_with_httpx, get_with_aiohttp):
            with pytest.raises((ValueError, httpx.InvalidURL)):
                asyncio.run(get(url))
    assert len(zoho.received) == before


class TestRedirect:
    """An attachment whose download leads to another host, as Zoho's do."""

    @pytest.fixture
    def path(self, zoho, names):
        url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
        with zoho.session() as session:
            session.auth = names["auth"]
            candidate = session.get(url, timeout=30).json()["data"][0]["id"]
            url = f"{url}/{candidate}/Attachments"
            answer = session.post(url, files={"file": ("cv.txt", b"planted")}, timeout=30).json()
        attachment = answer["data"][0]["details"]["id"]
        return f"Candidates/{candidate}/Attachments/{attachment}?redirect={zoho.elsewhere}"

    def authorization_elsewhere(self, zoho):
        """Return what arrived at the other host as Authorization, None = a request without."""
        (arrived,) = (each for each in zoho.received if each["path"].startswith("/elsewhere"))
        return arrived["headers"].get("Authorization")

    @pytest.mark.parametrize("client", ["urllib3.PoolManager(", "urlopen("])
    def test_t09_the_token_does_not_follow(self, stage, zoho, client, path):
        (example,) = (text for text in EXAMPLES if client in text)
        exec(example.replace("v2/Candidates", f"v2/{path}").replace("candidates = json", "# "), stage.names)
        assert stage.names["status"] == 200
        assert self.authorization_elsewhere(zoho) is None

    def test_t09_nor_with_httpx(self, zoho, names, path):
        import httpx

        with httpx.Client(auth=names["ZohoAuth"](names["auth"]), follow_redirects=True) as client:
            assert client.get(f"{zoho.region.recruit_url}/recruit/v2/{path}").status_code == 200
        assert self.authorization_elsewhere(zoho) is None

    def test_t09_and_aiohttp_stops_there(self, stage, zoho, names, path):
        import aiohttp

        run(stage, "aiohttp.ClientSession(")

        async def get():
            async with aiohttp.ClientSession(middlewares=[names["sign"]]) as session:
                await session.get(f"{zoho.region.recruit_url}/recruit/v2/{path}")

        with pytest.raises(ValueError, match="must not have the token"):
            asyncio.run(get())


def test_zohos_sdk_never_mints(stage, zoho, names):
    run(stage, "Initializer.initialize(")
    sdk = names["Initializer"].get_initializer().token
    first = sdk.get_token()
    assert sdk.get_token() == first == names["auth"].token.access_token
    zoho.reject_tokens()
    names["auth"].get_token(rejected=first)
    second = sdk.get_token()
    assert second != first
    url, authorization = f"{zoho.region.recruit_url}/recruit/v2/Candidates", f"Zoho-oauthtoken {second}"
    assert requests.get(url, headers={"Authorization": authorization}, timeout=30).ok
    assert zoho.token_requests == 2
    assert (sdk.get_client_secret(), sdk.get_refresh_token()) == (None, None)
