"""Contains the steps of the demo. Each does what a program does, and compares the result with a promise.

The steps share a `Stage`: a sandbox in a second process, a private directory, a clock and the output. `storm` makes
calls from many threads and processes.
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

__all__ = ["STEPS", "Stage", "run_steps"]

_SCOPE = ["ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL"]
_THREADS, _PROCESSES, _THREADS_EACH = 64, 8, 8


class Stage(logging.Handler):
    """What the steps share. As a log handler, it also prints what the library logs.

    :ivar call: lists the candidates, in a session of its own
    :ivar checks: number of promises checked
    :ivar broken: descriptions of the promises that were broken
    :ivar compared: number of token requests made for comparison, without this library
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
        """Run one step, and count the sandbox's requests from zero."""
        self._step, self._before, started = number, self.count_requests(), time.monotonic()
        self._console.print()
        self.write(f"{number}  {title}", "bold cyan")
        step(self)
        self.show("took", f"{time.monotonic() - started:.1f} s", "dim")

    def count_requests(self) -> Counter[str]:
        """Return how many requests of each kind the sandbox has received so far."""
        return Counter(API=self.zoho.api_requests, token=self.zoho.token_requests)

    def check_requests(self, **promised: int) -> None:
        """Compare the requests since the step began with the promise."""
        seen = self.count_requests() - self._before
        for kind, number in promised.items():
            self.check(f"{kind} requests", promised=number, seen=seen[kind])

    def check(self, what: str, *, promised: object, seen: object) -> None:
        """Compare what was seen with the promise, and print both."""
        kept = seen == promised
        text = f"{what}: {seen}, " + ("as promised" if kept else f"promised {promised}")
        self.show("counted", f"✔ {text}" if kept else f"✘ {text}", "green" if kept else "bold red")
        self.checks += 1
        self.broken += [] if kept else [f"step {self._step}, {text}"]

    def show(self, label: str, what: str, style: str = "") -> None:
        """Print a line with a label: a request, an answer, a count or a note."""
        self.write(what, "dim" if label == "note" else style, margin=f"   {label:10}")

    def emit(self, record: logging.LogRecord) -> None:
        """Print what the library logs."""
        self.show("logged", record.getMessage(), "yellow")

    def write(self, text: str, style: str = "", *, margin: str = "") -> None:
        """Print text, wrapped between words. Rich would pad lines with spaces and break long words."""
        width = max(1, self._console.width - len(margin))
        lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        line = Text.assemble((margin, "dim"), (("\n" + " " * len(margin)).join(lines), style))
        self._console.print(line, soft_wrap=True)

    def sum_up(self, seconds: float) -> None:
        """Print whether all promises were kept, and the total numbers of requests."""
        broken, colour, arrived = self.broken, "red" if self.broken else "green", self.count_requests()
        verdict = f"{len(broken)} of {self.checks} promises broken." if broken else f"All {self.checks} promises kept."
        ours = f"{arrived['token'] - self.compared} token requests for {arrived['API']} API requests"
        text = "\n".join([verdict, f"{ours}, in {seconds:.1f} s.", *(f"- {what}" for what in broken)])
        self._console.print("", Panel(Text(text, f"bold {colour}"), border_style=colour, expand=False), sep="\n")


def authorize(stage: Stage) -> None:
    """Send a person to the consent page, and get the grant."""
    zoho = stage.zoho
    with OAuth2Session(zoho.client_id, redirect_uri=zoho.redirect_uri, scope=_SCOPE) as session:
        session.trust_env, session.verify = False, zoho.ca_bundle
        zohorecruit_compliance_fix(session, region=zoho.region, client_secret=zoho.client_secret, store=stage.store)
        address, _ = session.authorization_url(zoho.region.authorize_url)
        stage.show("asked", f"offline access to {', '.join(_SCOPE)}; a person presses Accept on Zoho's page")
        redirect = zoho.consent(address)
        token = session.fetch_token(zoho.region.token_url, authorization_response=redirect)  # checks the state
    stage.show("answered", f"302 to {redirect.partition('?')[0]} with a code, our state and region {zoho.region.code}")
    stage.show("asked", "POST /oauth/v2/token, grant_type=authorization_code, all parameters in the body")
    access, refresh = fingerprint(token["access_token"]), fingerprint(token["refresh_token"])
    stage.show("answered", f"access token {access} for {token['expires_in']} s, refresh token {refresh}, both saved")
    stage.check_requests(token=1)
    stage.check("mode of the token file", promised="0600", seen=f"{stage.store.path.stat().st_mode & 0o777:04o}")


def list_candidates(stage: Stage) -> None:
    """List the candidates, the first call of most programs."""
    stage.show("asked", "GET /recruit/v2/Candidates with auth=ZohoRecruitAuth(…)")
    records = stage.call().json()["data"]
    stage.show("answered", f"{len(records)} candidates; the first five:")
    for record in records[:5]:
        stage.show("", f"{record['Full_Name']:14}  {record['Current_Job_Title']:18}  {record['City']}")
    stage.check_requests(API=1, token=0)


def upload(stage: Stage) -> None:
    """Upload a file with a token that Zoho has just stopped accepting."""
    path = stage.store.path.with_name("resume.pdf")
    path.write_bytes(b"%PDF-1.7\n" + random.Random(1).randbytes(2 * 1024 * 1024))  # noqa: S311 - any bytes will do
    where = f"{stage.call().json()['data'][0]['id']}/Attachments"
    stage.zoho.reject_tokens()
    stage.show("asked", f"POST …/{where}, {path.stat().st_size:,} bytes, with a token that Zoho no longer accepts")
    with path.open("rb") as file:
        answer = stage.session.post(f"{stage.url}/{where}", files={"file": file}, auth=stage.auth, timeout=30)
    statuses = ", ".join(str(each.status_code) for each in (*answer.history, answer))
    bodies = [f"{each['size']:,} bytes {each['digest']}" for each in stage.zoho.received if where in each["path"]]
    stage.show("answered", f"{statuses}; bodies as they arrived: {', '.join(bodies)}")
    kept = list(stage.zoho.attachments.values())
    stage.check("statuses", promised="401, 200", seen=statuses)
    stage.check("files saved at Zoho", promised=1, seen=len(kept))
    stage.check("of them identical to the original", promised=1, seen=kept.count(path.read_bytes()))
    stage.check_requests(token=1)


def call_from_threads(stage: Stage) -> None:
    """Let an hour pass, then call from many threads at once."""
    _pass_an_hour(stage)
    zoho = stage.zoho
    zoho.token_delay = 0.2
    stage.show(
        "note", f"from now on, Zoho takes {zoho.token_delay} s to mint a token, so that all threads have to wait"
    )
    stage.show("asked", f"GET /recruit/v2/Candidates from {_THREADS} threads at once")
    _show_answers(stage, run_in_threads(_THREADS, stage.call))
    stage.check_requests(API=_THREADS, token=1)
    # For comparison: each thread refreshes its own token, as with most OAuth clients.
    before = zoho.token_requests
    form = {"grant_type": "refresh_token", "client_id": zoho.client_id, "client_secret": zoho.client_secret}
    form["refresh_token"] = zoho.new_grant()
    answers = run_in_threads(_THREADS, lambda: zoho.session().post(zoho.region.token_url, data=form, timeout=30))
    refused = sum("access_token" not in answer.json() for answer in answers)
    stage.compared = zoho.token_requests - before
    cost = f"{stage.compared} token requests, {refused} of them refused"
    stage.show("note", f"for comparison, {_THREADS} threads that each refresh the token of another grant: {cost}")


def call_from_processes(stage: Stage) -> None:
    """Let the token die early while many processes hold it, then call from all their threads at once."""
    stage.zoho.expire_tokens()
    stage.show(
        "note", "the processes share the token and its file; Zoho has ended the token early, which they do not know"
    )
    stage.show(
        "asked", f"GET /recruit/v2/Candidates from {_PROCESSES} processes with {_THREADS_EACH} threads each, at once"
    )
    answers = run_in_processes(_PROCESSES, partial(run_in_threads, _THREADS_EACH, stage.call), stage.clock)
    again = _show_answers(stage, answers)
    stage.check_requests(API=len(answers) + again, token=1)


def throttle_with_live_token(stage: Stage) -> None:
    """Let Zoho refuse a refresh while the old token is still valid."""
    stage.call()  # adopts the token that another process minted
    stage.clock.ahead += 3600 - 120
    stage.zoho.fault("throttle")
    stage.show("note", "the clock is two minutes before the token's end: a refresh is due, but the token still works")
    stage.show("asked", "GET /recruit/v2/Candidates, three times; Zoho answers the first refresh with Access Denied")
    _show_answers(stage, [stage.call() for _ in range(3)])
    stage.check_requests(token=1)


def throttle_without_token(stage: Stage) -> None:
    """Let Zoho refuse a refresh when there is no valid token."""
    _pass_an_hour(stage)
    stage.zoho.fault("throttle")
    first = _show_failure(stage, "GET /recruit/v2/Candidates with an expired token; Zoho answers Access Denied")
    again = _show_failure(stage, "the same again at once; the library remembers the refusal, and sends nothing")
    waits = [error.retry_after for error in (first, again) if isinstance(error, ThrottledError)]
    stage.check("ThrottledError raised", promised=2, seen=len(waits))
    stage.check_requests(token=1)
    stage.show("asked", f"the same once more; instead of a wait of {waits[-1]:.0f} s, the demo's clock is put forward")
    stage.clock.ahead += waits[-1] + 1
    _show_answers(stage, [stage.call()])
    stage.check_requests(token=2)


def revoke(stage: Stage) -> None:
    """Revoke the grant, and check that nothing works any more."""
    old = requests.Request("GET", stage.url, auth=stage.auth).prepare().headers
    stage.show("asked", "POST /oauth/v2/token/revoke, the refresh token in the body")
    stage.auth.revoke()
    stage.show("answered", "success; the grant is deleted from memory and from the file")
    error = _show_failure(stage, "GET /recruit/v2/Candidates, as before")
    stage.check("raised", promised="ReauthorizationRequired", seen=type(error).__name__)
    stage.check_requests(API=0, token=0)
    status = stage.session.get(stage.url, headers=old, timeout=30).status_code
    stage.check("status with the old access token", promised=401, seen=status)
    left = {"access_token", "refresh_token"} & set(stage.store.load() or {})
    stage.check("tokens left in the file", promised=0, seen=len(left))


STEPS = (
    ("A person gives access, and the code is exchanged", authorize),
    ("The first call", list_candidates),
    ("The token is rejected during an upload", upload),
    (f"An hour later, {_THREADS} threads find the token expired", call_from_threads),
    (f"The token dies early in {_PROCESSES} processes with {_THREADS_EACH} threads each", call_from_processes),
    ("Zoho throttles while the token is valid", throttle_with_live_token),
    ("Zoho throttles, and there is no valid token", throttle_without_token),
    ("The grant is revoked", revoke),
)


def run_steps(console: Console) -> bool:
    """Start the sandbox, run all steps, and clean up.

    :returns: whether every promise was kept
    """
    started, logger = time.monotonic(), logging.getLogger("requests_zohorecruit")
    with ExitStack() as stack:
        status = stack.enter_context(console.status("Starting the sandbox in its own process"))
        directory = stack.enter_context(TemporaryDirectory(prefix="zohorecruit-demo-"))
        with mask_interrupts():
            zoho = stack.enter_context(SandboxProcess())
        stage = Stage(console, zoho, directory)
        stack.enter_context(stage.session)
        stack.enter_context(mock.patch("time.time", stage.clock))  # the demo covers three hours
        logger.addHandler(stage)
        stack.callback(logger.removeHandler, stage)
        stage.write("zohorecruit demo: one grant, many threads and processes", "bold")
        stage.write(f"The sandbox is process {zoho.pid}, at {zoho.region.accounts_url}.")
        stage.write("Secrets are shown as fingerprints, such as #1a2b3c4d.", "dim")
        try:
            for number, (title, step) in enumerate(STEPS, start=1):
                status.update(title)
                stage.run_step(number, title, step)
        except Exception as error:  # noqa: BLE001 - a broken promise, which ends the demo
            text = str(error) if isinstance(error, ZohoAuthError) else type(error).__name__
            stage.check("stopped by", promised="nothing", seen=text)
        stage.sum_up(time.monotonic() - started)
    return not stage.broken


def _pass_an_hour(stage: Stage) -> None:
    stage.show("note", "the demo's clock is put forward by an hour; Zoho ends all access tokens")
    stage.clock.ahead += 3600
    stage.zoho.expire_tokens()


def _show_answers(stage: Stage, answers: list[requests.Response]) -> int:
    statuses, again = Counter(answer.status_code for answer in answers), sum(len(answer.history) for answer in answers)
    text = ", ".join(f"{number} x {status}" for status, number in statuses.items())
    stage.show("answered", f"{text}; {again} of them sent again with the new token, after a 401" if again else text)
    stage.check("calls answered 200", promised=len(answers), seen=statuses[200])
    return again


def _show_failure(stage: Stage, asked: str) -> requests.RequestException | None:
    stage.show("asked", asked)
    try:
        stage.call()
    except requests.RequestException as error:
        stage.show("answered", f"{type(error).__name__}: {error}")
        return error
    return None
