"""The demo's steps: each does one thing a program does, and holds what happened against what was promised.

Knows the promises, and the `Stage`: a sandbox in a second process, a private directory, a clock, and what of it is
told. Calls from many threads and processes are `storm`'s.
"""

from __future__ import annotations

import logging
import random
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import requests
from requests_oauthlib import OAuth2Session
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from requests_zohorecruit import FileStore, ThrottledError, ZohoAuthError, ZohoRecruitAuth, zohorecruit_compliance_fix
from requests_zohorecruit.demo.storm import Clock, call_api, mask_interrupts, run_in_processes, run_in_threads
from requests_zohorecruit.sandbox import fingerprint
from requests_zohorecruit.sandbox.process import SandboxProcess

__all__ = ["STEPS", "Stage", "tell_story"]

_SCOPE = ["ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"]
_THREADS, _PROCESSES, _THREADS_EACH = 64, 8, 8


class Stage(logging.Handler):
    """What the steps share. It handles the library's log records, which are part of the story.

    :ivar call: makes the call that most programs make first, in a session of its own
    :ivar checks: how many promises were looked at
    :ivar broken: those that were not kept, in words
    :ivar compared: token requests that were made for comparison, without this library
    """

    def __init__(self, console: Console, zoho: SandboxProcess, directory: str) -> None:
        super().__init__(logging.WARNING)
        session, file = zoho.session(), FileStore(Path(directory) / "token.json")
        self.zoho, self.clock, self.session, self.store = zoho, Clock(), session, file
        self.auth = ZohoRecruitAuth(zoho.client_id, zoho.client_secret, region=zoho.region, store=file, session=session)
        self.url = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
        self.call = partial(call_api, self.url, self.auth, zoho.ca_bundle)
        self.checks, self.broken, self.compared = 0, list[str](), 0
        self._console, self._step, self._before = console, 0, Counter[str]()

    def run_step(self, number: int, title: str, step: Callable[[Stage], None]) -> None:
        """Tell one step; what arrives at the sandbox is counted anew."""
        self._step, self._before, started = number, self.count_requests(), time.monotonic()
        self._console.print()
        self.write(f"{number}  {title}", "bold cyan")
        step(self)
        self.tell("took", f"{time.monotonic() - started:.1f} s", "dim")

    def count_requests(self) -> Counter[str]:
        """Return how many requests of which kind have arrived at the sandbox so far."""
        return Counter(API=self.zoho.api_requests, token=self.zoho.token_requests)

    def check_requests(self, **promised: int) -> None:
        """Hold what has arrived since the step began against what was promised."""
        seen = self.count_requests() - self._before
        for kind, number in promised.items():
            self.check(f"{kind} requests", promised=number, seen=seen[kind])

    def check(self, what: str, *, promised: object, seen: object) -> None:
        """Hold what was seen against a promise."""
        kept = seen == promised
        told = f"{what}: {seen}, " + ("as promised" if kept else f"promised {promised}")
        self.tell("counted", f"✔ {told}" if kept else f"✘ {told}", "green" if kept else "bold red")
        self.checks += 1
        self.broken += [] if kept else [f"step {self._step}, {told}"]

    def tell(self, label: str, what: str, style: str = "") -> None:
        """Tell what was asked of Zoho, what came back, or what a careful reader will want to know."""
        self.write(what, "dim" if label == "note" else style, margin=f"   {label:10}")

    def emit(self, record: logging.LogRecord) -> None:
        """Tell what the library logs."""
        self.tell("logged", record.getMessage(), "yellow")

    def write(self, text: str, style: str = "", *, margin: str = "") -> None:
        """Write text, wrapped between words: rich would fill lines with spaces, and break long words."""
        width = max(1, self._console.width - len(margin))
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        told = Text.assemble((margin, "dim"), (("\n" + " " * len(margin)).join(lines), style))
        self._console.print(told, soft_wrap=True)

    def sum_up(self, seconds: float) -> None:
        """Say whether all promises were kept, and what has arrived at the sandbox in all."""
        broken, colour, arrived = self.broken, "red" if self.broken else "green", self.count_requests()
        verdict = f"{len(broken)} of {self.checks} promises broken." if broken else f"All {self.checks} promises kept."
        ours = f"{arrived['token'] - self.compared} token requests for {arrived['API']} API requests"
        told = "\n".join([verdict, f"{ours}, in {seconds:.1f} s.", *(f"- {what}" for what in broken)])
        self._console.print("", Panel(Text(told, f"bold {colour}"), border_style=colour, expand=False), sep="\n")


def authorize(stage: Stage) -> None:
    """Send a person to the consent page, and take the grant they give."""
    zoho = stage.zoho
    with OAuth2Session(zoho.client_id, redirect_uri=zoho.redirect_uri, scope=_SCOPE) as session:
        session.trust_env, session.verify = False, zoho.ca_bundle
        zohorecruit_compliance_fix(session, region=zoho.region, client_secret=zoho.client_secret, store=stage.store)
        address, _ = session.authorization_url(zoho.region.authorize_url)
        stage.tell("asked", f"consent to {', '.join(_SCOPE)}, offline; a person presses Accept on Zoho's page")
        redirect = zoho.consent(address)
        token = session.fetch_token(zoho.region.token_url, authorization_response=redirect)  # checks the state
    stage.tell("answered", f"302 to {redirect.partition('?')[0]} with a code, our state and region {zoho.region.code}")
    stage.tell("asked", "POST /oauth/v2/token, grant_type=authorization_code, everything in the body")
    access, refresh = fingerprint(token["access_token"]), fingerprint(token["refresh_token"])
    stage.tell("answered", f"access token {access} for {token['expires_in']} s, refresh token {refresh}, both saved")
    stage.check_requests(token=1)
    stage.check("mode of the token file", promised="0600", seen=f"{stage.store.path.stat().st_mode & 0o777:04o}")


def list_candidates(stage: Stage) -> None:
    """Make the call that most programs make first."""
    stage.tell("asked", "GET /recruit/v2/Candidates with auth=ZohoRecruitAuth(…)")
    records = stage.call().json()["data"]
    stage.tell("answered", f"{len(records)} candidates; the first five:")
    for record in records[:5]:
        stage.tell("", f"{record['Full_Name']:14}  {record['Current_Job_Title']:18}  {record['City']}")
    stage.check_requests(API=1, token=0)


def upload(stage: Stage) -> None:
    """Send a file with a token that Zoho has stopped accepting a moment ago."""
    path = stage.store.path.with_name("resume.pdf")
    path.write_bytes(b"%PDF-1.7\n" + random.Random(1).randbytes(2 * 1024 * 1024))  # noqa: S311 - any bytes will do
    where = f"{stage.call().json()['data'][0]['id']}/Attachments"
    stage.zoho.reject_tokens()
    stage.tell("asked", f"POST …/{where}, {path.stat().st_size:,} bytes, with a token that was just rejected")
    with path.open("rb") as file:
        answer = stage.session.post(f"{stage.url}/{where}", files={"file": file}, auth=stage.auth, timeout=30)
    statuses = ", ".join(str(each.status_code) for each in (*answer.history, answer))
    bodies = [f"{each['size']:,} bytes {each['digest']}" for each in stage.zoho.received if where in each["path"]]
    stage.tell("answered", f"{statuses}; bodies as they arrived: {', '.join(bodies)}")
    kept = list(stage.zoho.attachments.values())
    stage.check("statuses", promised="401, 200", seen=statuses)
    stage.check("files Zoho keeps", promised=1, seen=len(kept))
    stage.check("of them the same, byte for byte", promised=1, seen=kept.count(path.read_bytes()))
    stage.check_requests(token=1)


def call_from_threads(stage: Stage) -> None:
    """Let an hour pass, and many threads call in the same moment."""
    _pass_an_hour(stage)
    zoho = stage.zoho
    zoho.token_delay = 0.2
    stage.tell("note", f"a new token takes {zoho.token_delay} s from now on, so that all threads wait at once")
    stage.tell("asked", f"GET /recruit/v2/Candidates from {_THREADS} threads at once")
    _tell_answers(stage, run_in_threads(_THREADS, stage.call))
    stage.check_requests(API=_THREADS, token=1)
    # What most OAuth clients do in the same place, on another grant: each thread refreshes for itself.
    before = zoho.token_requests
    form = {"grant_type": "refresh_token", "client_id": zoho.client_id, "client_secret": zoho.client_secret}
    form["refresh_token"] = zoho.new_grant()
    answers = run_in_threads(_THREADS, lambda: zoho.session().post(zoho.region.token_url, data=form, timeout=30))
    refused = sum("access_token" not in answer.json() for answer in answers)
    stage.compared = zoho.token_requests - before
    cost = f"{stage.compared} token requests, {refused} of them refused"
    stage.tell("note", f"for comparison, {_THREADS} threads that refresh each for itself, on another grant: {cost}")


def call_from_processes(stage: Stage) -> None:
    """Let the token die while many processes believe in it, and many threads of each call in the same moment."""
    stage.zoho.expire_tokens()
    stage.tell("note", "the processes have the token and share its file; Zoho has ended it early, and none knows that")
    stage.tell("asked", f"GET /recruit/v2/Candidates from {_PROCESSES} processes of {_THREADS_EACH} threads at once")
    answers = run_in_processes(_PROCESSES, partial(run_in_threads, _THREADS_EACH, stage.call), stage.clock)
    again = _tell_answers(stage, answers)
    stage.check_requests(API=len(answers) + again, token=1)


def throttle_with_live_token(stage: Stage) -> None:
    """Have Zoho refuse a refresh while the old token still lives."""
    stage.call()  # picks up the token that another process fetched
    stage.clock.ahead += 3600 - 120
    stage.zoho.fault("throttle")
    stage.tell("note", "the clock goes to two minutes before the token's end, when a new one is due but not yet needed")
    stage.tell("asked", "GET /recruit/v2/Candidates, three times; Zoho answers the first refresh with Access Denied")
    _tell_answers(stage, [stage.call() for _ in range(3)])
    stage.check_requests(token=1)


def throttle_without_token(stage: Stage) -> None:
    """Have Zoho refuse a refresh when there is no token left to live on."""
    _pass_an_hour(stage)
    stage.zoho.fault("throttle")
    first = _tell_failure(stage, "GET /recruit/v2/Candidates with an expired token; Zoho answers Access Denied")
    again = _tell_failure(stage, "the same again, at once; the refusal is remembered, and Zoho left alone")
    waits = [error.retry_after for error in (first, again) if isinstance(error, ThrottledError)]
    stage.check("ThrottledError raised", promised=2, seen=len(waits))
    stage.check_requests(token=1)
    stage.tell("asked", f"the same once more; the demo's clock is put forward instead of waiting {waits[-1]:.0f} s")
    stage.clock.ahead += waits[-1] + 1
    _tell_answers(stage, [stage.call()])
    stage.check_requests(token=2)


def revoke(stage: Stage) -> None:
    """Give the grant back, and see that nothing works any more."""
    old = requests.Request("GET", stage.url, auth=stage.auth).prepare().headers
    stage.tell("asked", "POST /oauth/v2/token/revoke, the refresh token in the body")
    stage.auth.revoke()
    stage.tell("answered", "success; forgotten in memory and in the file")
    error = _tell_failure(stage, "GET /recruit/v2/Candidates, as before")
    stage.check("raised", promised="ReauthorizationRequired", seen=type(error).__name__)
    stage.check_requests(API=0, token=0)
    status = stage.session.get(stage.url, headers=old, timeout=30).status_code
    stage.check("Zoho on the old access token", promised=401, seen=status)
    left = {"access_token", "refresh_token"} & set(stage.store.load() or {})
    stage.check("tokens left in the file", promised=0, seen=len(left))


STEPS = (
    ("A person grants access, and the code becomes a token", authorize),
    ("The first call", list_candidates),
    ("The token is rejected while a résumé is uploaded", upload),
    (f"An hour later, {_THREADS} threads find the token expired", call_from_threads),
    (f"The token dies under {_PROCESSES} processes of {_THREADS_EACH} threads", call_from_processes),
    ("Zoho throttles, and no caller notices", throttle_with_live_token),
    ("Zoho throttles, and there is no token to live on", throttle_without_token),
    ("The grant is revoked", revoke),
)


def tell_story(console: Console) -> bool:
    """Set the stage up, tell all steps, and clear away.

    :returns: whether every promise was kept
    """
    started, logger = time.monotonic(), logging.getLogger("requests_zohorecruit")
    with ExitStack() as stack:
        status = stack.enter_context(console.status("Starting a sandbox Zoho in a process of its own"))
        directory = stack.enter_context(TemporaryDirectory(prefix="zohorecruit-demo-"))
        with mask_interrupts():
            zoho = stack.enter_context(SandboxProcess())
        stage = Stage(console, zoho, directory)
        stack.enter_context(stage.session)
        stack.enter_context(mock.patch("time.time", stage.clock))  # the story takes three hours
        logger.addHandler(stage)
        stack.callback(logger.removeHandler, stage)
        stage.write("zohorecruit demo: one grant, many threads and processes, real sockets", "bold")
        stage.write(f"Zoho Accounts and Recruit: process {zoho.pid}, {zoho.region.accounts_url} (TLS, loopback).")
        stage.write("Secrets are shown as fingerprints such as #1a2b3c4d.", "dim")
        try:
            for number, (title, step) in enumerate(STEPS, start=1):
                status.update(title)
                stage.run_step(number, title, step)
        except Exception as error:  # noqa: BLE001 - a broken promise, which ends the story
            told = str(error) if isinstance(error, ZohoAuthError) else type(error).__name__
            stage.check("stopped by", promised="nothing", seen=told)
        stage.sum_up(time.monotonic() - started)
    return not stage.broken


def _pass_an_hour(stage: Stage) -> None:
    stage.tell("note", "the demo's clock is put forward by an hour; Zoho ends all access tokens")
    stage.clock.ahead += 3600
    stage.zoho.expire_tokens()


def _tell_answers(stage: Stage, answers: list[requests.Response]) -> int:
    statuses, again = Counter(answer.status_code for answer in answers), sum(len(answer.history) for answer in answers)
    told = ", ".join(f"{number} x {status}" for status, number in statuses.items())
    stage.tell("answered", f"{told}; {again} of them after a 401, sent again with the new token" if again else told)
    stage.check("calls answered 200", promised=len(answers), seen=statuses[200])
    return again


def _tell_failure(stage: Stage, asked: str) -> requests.RequestException | None:
    stage.tell("asked", asked)
    try:
        stage.call()
    except requests.RequestException as error:
        stage.tell("answered", f"{type(error).__name__}: {error}")
        return error
    return None
