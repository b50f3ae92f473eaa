"""Waiting for a person who confirms a device: how often Zoho is asked, where, and what ends it. Time is injected."""

from __future__ import annotations

import functools
import io
import itertools
import logging
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests
from helpers.socketless_sandbox import Desk, make_region
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

import requests_zohorecruit
from requests_zohorecruit import (
    AuthorizationError,
    CallbackStore,
    ClientConfigurationError,
    MemoryStore,
    TokenEndpointError,
    TokenStoreError,
    UnknownRegionError,
    UntrustedHostError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.login import device
from requests_zohorecruit.login.device import authorize_device
from requests_zohorecruit.secret import Secret
from requests_zohorecruit.zoho.device import DevicePrompt

PACKAGE = str(Path(requests_zohorecruit.__file__).parent)
SCOPE = "ZohoRecruit.modules.ALL,ZohoRecruit.users.READ"
PAGE = "/oauth/v3/device"
#: The data centres by their ports.
NAMES = {1: "us", 2: "eu"}


class Line(BaseAdapter):
    """Carries requests to a sandbox without a socket, and notes when each poll left and to which data centre.

    :ivar troubles: what happens to the next polls instead: an exception to raise, (status, body), or None for nothing
    """

    def __init__(self, desk):
        super().__init__()
        self._desk = desk
        self.polls = []
        self.forms = []
        self.troubles = []

    def send(self, request, *_, **__):
        name = NAMES[int(request.url.split("/")[2].rpartition(":")[2])]
        self.forms.append(request.body)
        trouble = None
        if request.url.endswith("/token"):
            self.polls.append((self._desk.now, name))
            trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        status, body = trouble or self._ask(request, name)
        raw = HTTPResponse(io.BytesIO(body), status=status, preload_content=False)
        response = HTTPAdapter().build_response(request, raw)
        response.connection = self
        return response

    def _ask(self, request, name):
        headers = {name.replace("-", "_"): value for name, value in request.headers.items()}
        answer = self._desk.send(request.method, request.url, body=request.body.encode(), at=name, **headers)
        return answer.status, answer.body

    def close(self):
        """Nothing is open."""


class Scene:
    """A device, a sandbox in two data centres, and a person; `plans` says what the person does after how many seconds."""

    def __init__(self):
        self.desk = Desk("us", "eu")
        self.zoho = self.desk.zoho
        self.regions = {name: make_region(f"sandbox-{name}", f"https://127.0.0.1:{n}") for n, name in NAMES.items()}
        self.client = self.zoho.client
        self.line = Line(self.desk)
        self.session = requests.Session()
        self.session.mount("https://", self.line)
        self.begun = self.desk.now
        self.shown = []
        self.plans = {}

    def sleep(self, seconds):
        until = self.desk.now + seconds
        for after in sorted(self.plans):
            if self.begun + after <= until:
                self.desk.now = max(self.desk.now, self.begun + after)
                self.plans.pop(after)()
        self.desk.now = until

    def accept(self, after, *, accept=True, person=None):
        self.plans[after] = lambda: self.zoho.confirm_device(self.shown[0].user_code, accept=accept, person=person)

    def authorize(self, client_secret=None, **options):
        given = {
            "region": self.regions["us"],
            "extra": self.regions.values(),
            "scope": SCOPE,
            "show": self.shown.append,
            "session": self.session,
            "sleep": self.sleep,
            "clock": lambda: self.desk.now,
        }
        return authorize_device(self.client.client_id, client_secret or self.client.client_secret, **given | options)

    def poll_times(self):
        return [now - self.begun for now, _ in self.line.polls]


@pytest.fixture
def scene():
    return Scene()


class TestPolling:
    def test_a_person_accepts_and_the_device_gets_a_grant(self, scene):
        scene.accept(12)
        grant = scene.authorize()
        assert grant.application.region == scene.regions["us"]
        assert grant.token.refresh_token
        assert grant.token.scope == tuple(SCOPE.split(","))
        assert (grant.minted_at, grant.token.expires_at) == (scene.begun + 30, scene.begun + 3630)
        [prompt] = scene.shown
        page = f"{scene.regions['us'].accounts_url}{PAGE}"
        assert prompt == DevicePrompt(prompt.user_code, page, f"{page}?user_code={prompt.user_code}", scene.begun + 300)

    @pytest.mark.parametrize("interval", [5.0, 0.001, 0.0, -7.0])
    def test_it_never_asks_more_often_than_every_thirty_seconds(self, scene, interval):
        scene.zoho.device_interval = interval
        scene.accept(100)
        scene.authorize()
        assert scene.poll_times() == [30, 60, 90, 120]

    def test_it_asks_less_often_where_zoho_wants_that(self, scene):
        scene.zoho.device_interval = 50.0
        scene.accept(60)
        scene.authorize()
        assert scene.poll_times() == [50, 100]

    def test_after_a_slow_down_it_asks_less_often(self, scene):
        scene.zoho.device_poll_pause = 36.0
        scene.accept(95)
        scene.authorize()
        assert scene.poll_times() == [30, 60, 95, 135]

    def test_a_slow_down_to_every_poll_comes_to_an_end(self, scene):
        scene.zoho.device_poll_pause = 10_000.0
        with pytest.raises(AuthorizationError, match="The code expired before it was accepted"):
            scene.authorize()
        times = scene.poll_times()
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps == [30, 35, 40, 45, 50, 55, 60]

    def test_nobody_accepts_and_it_ends_with_the_code(self, scene):
        with pytest.raises(AuthorizationError) as caught:
            scene.authorize()
        assert (caught.value.code, "Ask for a new code" in caught.value.hint) == ("expired", True)
        assert scene.poll_times() == [*range(30, 301, 30)]

    def test_it_ends_even_if_zoho_never_says_expired(self, scene):
        scene.line.troubles = [(200, b'{"error": "authorization_pending"}')] * 100
        with pytest.raises(AuthorizationError, match="The code expired"):
            scene.authorize()
        assert len(scene.line.polls) == 10

    def test_what_is_accepted_at_the_last_moment_counts(self, scene):
        scene.accept(299)
        assert scene.authorize().token

    def test_a_refusal_is_told(self, scene):
        scene.accept(31, accept=False)
        with pytest.raises(AuthorizationError) as caught:
            scene.authorize()
        assert (caught.value.code, "pressed Reject" in caught.value.hint) == ("access_denied", True)
        assert scene.poll_times() == [30, 60]

    @pytest.mark.parametrize(
        "trouble",
        [
            requests.exceptions.ConnectionError("reset"),
            requests.exceptions.ReadTimeout(),
            (503, b"<html>"),
            (400, b'{"error": "Access Denied", "status": "failure"}'),
        ],
        ids=["reset", "timeout", "503", "throttled"],
    )
    def test_a_poll_that_fails_is_not_the_end_and_the_next_one_waits_longer(self, scene, trouble):
        scene.line.troubles = [trouble]
        scene.accept(40)
        assert scene.authorize().token
        assert scene.poll_times() == [30, 65]

    def test_polls_that_keep_failing_are_the_error_in_the_end(self, scene):
        scene.line.troubles = [requests.exceptions.ConnectionError("reset")] * 100
        with pytest.raises(TokenEndpointError, match="The connection broke"):
            scene.authorize()
        assert scene.poll_times()[-1] >= 300
        assert len(scene.line.polls) < 10

    @pytest.mark.parametrize(
        ("trouble", "kind"),
        [
            ((200, b"<html>"), TokenEndpointError),
            ((302, b""), TokenEndpointError),
            ((200, b'{"error": "something_new"}'), TokenEndpointError),
            ((200, b'{"error": "invalid_client_secret"}'), ClientConfigurationError),
            ((200, b'{"access_token": "1000.a.b"}'), AuthorizationError),
        ],
        ids=["html", "redirect", "unknown word", "wrong secret", "no refresh token"],
    )
    def test_what_asking_again_cannot_help_ends_it_at_once(self, scene, trouble, kind):
        scene.line.troubles = [trouble]
        with pytest.raises(kind):
            scene.authorize()
        assert scene.poll_times() == [30]

    def test_the_form_for_a_code_holds_no_secret_and_asks_for_lasting_access(self, scene):
        scene.accept(1)
        scene.authorize()
        assert parse_qs(scene.line.forms[0]) == {
            "grant_type": ["device_request"],
            "client_id": [scene.client.client_id],
            "scope": [SCOPE],
            "access_type": ["offline"],
            "prompt": ["consent"],
        }
        assert "1004." not in repr(scene.shown)

    def test_the_form_of_a_poll_holds_the_code_that_is_not_shown(self, scene):
        scene.accept(1)
        scene.authorize()
        form = parse_qs(scene.line.forms[1])
        [code] = form.pop("code")
        assert code.startswith("1004.")
        assert form == {
            "grant_type": ["device_token"],
            "client_id": [scene.client.client_id],
            "client_secret": [scene.client.client_secret],
        }


class TestDataCentres:
    def test_a_person_who_lives_elsewhere_is_followed_with_the_secret_of_that_region(self, scene):
        scene.client = scene.zoho.new_client(secret_per_region=True)
        secrets = {region.code: scene.client.secret_in(region.code) for region in scene.regions.values()}
        anna = scene.zoho.new_person(region="eu")
        scene.accept(10, person=anna)
        grant = scene.authorize(secrets)
        assert grant.application.region == scene.regions["eu"]
        assert grant.application.client_secret == secrets["sandbox-eu"] != secrets["sandbox-us"]
        assert [(now - scene.begun, name) for now, name in scene.line.polls] == [(30, "us"), (60, "eu")]

    def test_without_a_secret_for_that_region_nothing_is_sent_there(self, scene):
        scene.accept(10, person=scene.zoho.new_person(region="eu"))
        with pytest.raises(ClientConfigurationError, match="no client secret for region sandbox-eu"):
            scene.authorize({"sandbox-us": scene.client.client_secret})
        assert [name for _, name in scene.line.polls] == ["us"]

    def test_a_region_that_is_not_known_gets_nothing(self, scene):
        scene.accept(10, person=scene.zoho.new_person(region="eu"))
        with pytest.raises(UnknownRegionError, match="not known here"):
            scene.authorize(extra=())
        assert [name for _, name in scene.line.polls] == ["us"]

    def test_being_sent_to_and_fro_comes_to_an_end(self, scene):
        scene.line.troubles = [
            (200, b'{"error": "other_dc", "user_location": "sandbox-%s"}' % name) for name in (b"eu", b"us") * 50
        ]
        with pytest.raises(AuthorizationError, match="The code expired"):
            scene.authorize()
        assert [name for _, name in scene.line.polls] == ["us", "eu"] * 5


class TestShowing:
    @pytest.mark.parametrize("show", [None, "print", 1])
    def test_what_cannot_be_called_is_refused_before_anything_is_sent(self, scene, show):
        with pytest.raises(TypeError, match="show must be a function that takes a DevicePrompt"):
            scene.authorize(show=show)
        assert scene.line.forms == []

    def test_a_coroutine_function_would_show_nothing(self, scene):
        async def show(prompt):
            raise AssertionError

        with pytest.raises(TypeError, match="nothing awaits it"):
            scene.authorize(show=show)
        assert scene.line.forms == []

    @pytest.mark.parametrize(("scope", "kind"), [("", ValueError), ([], ValueError), (7, TypeError)])
    def test_a_scope_that_is_none_is_refused_before_anything_is_sent(self, scene, scope, kind):
        with pytest.raises(kind, match="scope"):
            scene.authorize(scope=scope)
        assert scene.line.forms == []

    def test_an_error_of_the_function_ends_it(self, scene):
        def show(prompt):
            raise OSError(5, "display")

        with pytest.raises(OSError, match="display"):
            scene.authorize(show=show)
        assert scene.line.polls == []

    def test_a_page_on_a_foreign_host_is_not_shown(self, scene, monkeypatch):
        code = b'{"user_code": "A1", "device_code": "1004.x", "verification_url": "https://evil.example/"}'
        monkeypatch.setattr(scene.line, "_ask", lambda *_: (200, code))
        with pytest.raises(UntrustedHostError):
            scene.authorize()
        assert (scene.shown, scene.line.polls) == ([], [])

    def test_t76_ctrl_c_while_waiting_leaves_as_it_came_and_no_secret_in_its_frames(self, scene):
        def stop(_):
            raise KeyboardInterrupt

        try:
            scene.authorize(Secret("planted-secret"), sleep=stop)
        except KeyboardInterrupt as error:
            trace, values = error.__traceback__.tb_next, []
            while trace:
                if trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
                    values += map(str, trace.tb_frame.f_locals.values())
                trace = trace.tb_next
        assert not any("planted" in value or "1004." in value for value in values)


class TestFromDevice:
    @pytest.fixture(autouse=True)
    def no_waiting(self, monkeypatch, scene):
        patched = functools.partial(authorize_device, sleep=scene.sleep, clock=lambda: scene.desk.now)
        monkeypatch.setattr(device, "authorize_device", patched)

    def log_in(self, scene, client_secret=None, **options):
        given = {
            "region": scene.regions["us"],
            "extra": scene.regions.values(),
            "scope": SCOPE,
            "show": scene.shown.append,
            "session": scene.session,
        }
        secret = client_secret or scene.client.client_secret
        return ZohoRecruitAuth.from_device(scene.client.client_id, secret, **given | options)

    def test_the_grant_is_saved_and_used(self, scene):
        scene.accept(5)
        store = MemoryStore()
        auth = self.log_in(scene, store=store)
        assert auth.token.refresh_token == store.load()["refresh_token"]
        assert (auth.region.code, store.load()["region"]) == ("sandbox-us", "sandbox-us")

    def test_across_data_centres_the_auth_is_of_the_region_where_the_person_lives(self, scene):
        scene.accept(5, person=scene.zoho.new_person(region="eu"))
        store = MemoryStore()
        auth = self.log_in(scene, store=store, allowed_hosts=iter(["extra.example"]))
        assert (auth.region, store.load()["region"]) == (scene.regions["eu"], "sandbox-eu")
        assert auth._hosts.trusts("https://extra.example/")

    def test_a_store_that_cannot_be_read_costs_no_code(self, scene):
        store = MemoryStore()
        store.save({"client_id": "1000.OTHER", "refresh_token": "1000.r"})
        with pytest.raises(TokenStoreError, match="another client"):
            self.log_in(scene, store=store)
        assert (scene.shown, scene.line.forms) == ([], [])

    def test_a_store_that_fails_afterwards_is_a_warning_and_the_grant_is_in_use(self, scene, caplog):
        def save(record):
            raise OSError(28, "full")

        scene.accept(5)
        with caplog.at_level(logging.WARNING):
            auth = self.log_in(scene, store=CallbackStore(save))
        assert auth.token.refresh_token
        assert "stays in use in memory" in caplog.text

    def test_a_refusal_saves_nothing(self, scene):
        scene.accept(5, accept=False)
        store = MemoryStore()
        with pytest.raises(AuthorizationError):
            self.log_in(scene, store=store)
        assert store.load() is None

    def test_a_region_may_be_named_as_everywhere(self):
        with pytest.raises(UnknownRegionError):
            ZohoRecruitAuth.from_device("1000.X", "secret", region="mars", scope=SCOPE, show=print)
