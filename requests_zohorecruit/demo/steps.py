"""The demo's steps: each does one thing a program does, and holds what happened against what was promised.

Knows the promises; how they look on the screen is `narrator`'s, and what they are tried on is `stage`'s.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable

import requests

from requests_zohorecruit.demo.narrator import Narrator
from requests_zohorecruit.demo.person import accept
from requests_zohorecruit.demo.stage import Stage
from requests_zohorecruit.demo.storm import Call, Crowd, Outcome, run_in_threads
from requests_zohorecruit.engine.refresher import Refresher
from requests_zohorecruit.errors import ReauthorizationRequired, ThrottledError, ZohoAuthError
from requests_zohorecruit.secret import Secret, fingerprint
from requests_zohorecruit.zoho.consent import build_consent_url, make_state, read_callback
from requests_zohorecruit.zoho.grants import RefreshToken

__all__ = ["STEPS"]

_SCOPE = ("ZohoRecruit.modules.ALL", "ZohoRecruit.settings.ALL")
_THREADS = 64
_PROCESSES, _THREADS_EACH = 8, 8
_TOKEN_DELAY = 0.2
_RESUME_BYTES = 2 * 1024 * 1024


def authorize(stage: Stage, narrator: Narrator) -> None:
    """Send a person to the consent page, and take the grant they give."""
    count, state = stage.count(), make_state()
    address = build_consent_url(stage.application, redirect_uri=stage.zoho.redirect_uri, scope=_SCOPE, state=state)
    narrator.ask(f"GET /oauth/v2/auth, offline access to {', '.join(_SCOPE)}; then Accept pressed on the page")
    redirect = accept(stage.session, address)
    callback = read_callback(redirect, application=stage.application, state=state)
    where = redirect.partition("?")[0]
    narrator.answer(f"302 to {where} with code {fingerprint(callback.code)}, our state, region {callback.region.code}")
    narrator.ask("POST /oauth/v2/token, grant_type=authorization_code, everything in the body")
    now = stage.clock()
    token = stage.endpoint.exchange(callback.code, redirect_uri=stage.zoho.redirect_uri, now=now)
    Refresher(stage.endpoint, stage.store, clock=stage.clock).adopt(token, now=now)
    narrator.answer(
        f"access token {fingerprint(token.access_token)} for {token.expires_in} s, "
        f"refresh token {fingerprint(token.refresh_token or '')}; saved to a file only this user can read"
    )
    narrator.compare("token requests", promised=1, seen=count.token_requests)
    narrator.compare("mode of the token file", promised="0600", seen=f"{stage.store.path.stat().st_mode & 0o777:04o}")


def list_candidates(stage: Stage, narrator: Narrator) -> None:
    """Make the call that most programs make first."""
    count = stage.count()
    narrator.ask("GET /recruit/v2/Candidates, auth=ZohoRecruitAuth(…, store=FileStore(…))")
    answer = stage.get_candidates()
    records = answer.json()["data"]
    narrator.answer(f"{answer.status_code}, {len(records)} candidates; the first five:")
    columns = ("Full_Name", "Current_Job_Title", "City", "Experience_in_Years", "Candidate_Status")
    rows = [tuple(str(record[column]) for column in columns) for record in records[:5]]
    narrator.table("Name", "Title", "City", "Years", "Status", rows=rows)
    narrator.compare("API requests", promised=1, seen=count.api_requests)
    narrator.compare("token requests", promised=0, seen=count.token_requests)


def upload(stage: Stage, narrator: Narrator) -> None:
    """Send a file with a token that Zoho has stopped accepting a moment ago."""
    path = stage.store.path.with_name("resume.pdf")
    path.write_bytes(b"%PDF-1.7\n" + random.Random(1).randbytes(_RESUME_BYTES))  # noqa: S311 - any bytes will do
    candidate = stage.get_candidates().json()["data"][0]
    stage.zoho.reject_tokens()
    count = stage.count()
    narrator.ask(f"POST …/{candidate['id']}/Attachments, {path.stat().st_size:,} bytes, with a token just rejected")
    with path.open("rb") as file:
        url = f"{stage.candidates_url}/{candidate['id']}/Attachments"
        answer = stage.session.post(url, files={"file": file}, auth=stage.auth, timeout=30)
    tries = [*answer.history, answer]
    narrator.answer(f"{', then '.join(str(each.status_code) for each in tries)}; the request was sent again, once")
    sent = [arrival for arrival in stage.zoho.received if arrival["path"].endswith("/Attachments")]
    kept = list(stage.zoho.attachments.values())
    sizes = ", ".join(f"{arrival['size']:,} bytes {arrival['digest']}" for arrival in sent)
    narrator.note(f"bodies as they arrived: {sizes}")
    narrator.compare("files Zoho keeps", promised=1, seen=len(kept))
    narrator.compare("byte for byte the same", promised=True, seen=kept == [path.read_bytes()])
    narrator.compare("statuses", promised="401, 200", seen=", ".join(str(each.status_code) for each in tries))
    narrator.compare("token requests", promised=1, seen=count.token_requests)


def call_from_threads(stage: Stage, narrator: Narrator) -> None:
    """Let an hour pass, and 64 threads call in the same moment."""
    stage.pass_an_hour()
    stage.zoho.token_delay = _TOKEN_DELAY
    narrator.note(
        "the demo's clock is put forward by an hour here; Zoho ends the life of all access tokens, and takes "
        f"{_TOKEN_DELAY * 1000:.0f} ms from now on to mint one, so that all threads wait at once"
    )
    count, call = stage.count(), _make_call(stage)
    narrator.ask(f"GET /recruit/v2/Candidates from {_THREADS} threads at once")
    outcomes = run_in_threads(
        _THREADS, call, lambda done: narrator.show_progress(f"{done} of {_THREADS} threads have their answer")
    )
    narrator.answer(_summarize(outcomes))
    narrator.compare("calls answered 200", promised=_THREADS, seen=_count_good(outcomes))
    narrator.compare("API requests", promised=_THREADS, seen=count.api_requests)
    narrator.compare("token requests", promised=1, seen=count.token_requests)
    _compare(stage, narrator)


def call_from_processes(stage: Stage, narrator: Narrator) -> None:
    """Let the token die while 8 processes believe in it, and 8 threads of each call in the same moment."""
    callers = _PROCESSES * _THREADS_EACH
    crowd = Crowd(
        _make_call(stage),
        processes=_PROCESSES,
        threads=_THREADS_EACH,
        done=lambda ready: narrator.show_progress(f"{ready} of {_PROCESSES} processes are ready"),
    )
    with crowd:
        stage.zoho.expire_tokens()
        narrator.note("the processes share the token file; Zoho ends the token early, so all of them believe in it")
        count = stage.count()
        narrator.ask(f"GET /recruit/v2/Candidates from {_PROCESSES} processes of {_THREADS_EACH} threads at once")
        narrator.show_progress(f"{callers} calls are under way")
        outcomes = crowd.go()
    refused = sum(outcome.refused for outcome in outcomes)
    narrator.answer(f"{_summarize(outcomes)}; {refused} of them after a 401, sent again with the new token")
    narrator.compare("calls answered 200", promised=callers, seen=_count_good(outcomes))
    narrator.compare("API requests", promised=callers + refused, seen=count.api_requests)
    narrator.compare("token requests", promised=1, seen=count.token_requests)


def throttle_with_live_token(stage: Stage, narrator: Narrator) -> None:
    """Have Zoho refuse a refresh while the old token still lives."""
    stage.get_candidates()  # picks up the token that another process fetched
    stage.clock.forward(3600 - 120)
    stage.zoho.fault("throttle")
    count = stage.count()
    narrator.note("the clock goes to two minutes before the token's end, when a new one is due but not yet needed")
    narrator.ask("GET /recruit/v2/Candidates, three times; Zoho answers the first refresh with Access Denied")
    outcomes = [_make_call(stage)() for _ in range(3)]
    narrator.answer(_summarize(outcomes))
    narrator.compare("calls answered 200", promised=3, seen=_count_good(outcomes))
    narrator.compare("token requests", promised=1, seen=count.token_requests)


def throttle_without_token(stage: Stage, narrator: Narrator) -> None:
    """Have Zoho refuse a refresh when there is no token left to live on."""
    stage.pass_an_hour()
    stage.zoho.fault("throttle")
    count = stage.count()
    narrator.ask("GET /recruit/v2/Candidates with an expired token; Zoho answers Access Denied")
    error = _catch_failure(stage)
    narrator.answer(f"{type(error).__name__}: {error}")
    narrator.ask("the same again, at once")
    again = _catch_failure(stage)
    retry_after = again.retry_after if isinstance(again, ThrottledError) else 0.0
    narrator.answer(f"{type(again).__name__}, remembered, so Zoho is left alone; retry_after={retry_after:.0f} s")
    narrator.compare(
        "ThrottledError raised", promised=2, seen=[type(each) for each in (error, again)].count(ThrottledError)
    )
    narrator.compare("token requests", promised=1, seen=count.token_requests)
    stage.clock.forward(retry_after + 1)
    narrator.note(f"instead of waiting {retry_after:.0f} s the demo's clock is put forward by that much")
    narrator.ask("the same once more")
    answer = stage.get_candidates()
    narrator.answer(f"{answer.status_code} with a new token")
    narrator.compare("answer after the wait", promised=200, seen=answer.status_code)
    narrator.compare("token requests with it", promised=2, seen=count.token_requests)


def revoke(stage: Stage, narrator: Narrator) -> None:
    """Give the grant back, and see that nothing works any more."""
    old = stage.auth.token
    narrator.ask("POST /oauth/v2/token/revoke, the refresh token in the body")
    stage.auth.revoke()
    narrator.answer("success; forgotten in memory and in the file")
    count = stage.count()
    error = _catch_failure(stage)
    narrator.ask("GET /recruit/v2/Candidates, as before")
    narrator.answer(f"{type(error).__name__}: {error}")
    narrator.compare("raised", promised=ReauthorizationRequired.__name__, seen=type(error).__name__)
    narrator.compare("requests sent", promised=0, seen=count.token_requests + count.api_requests)
    headers = {"Authorization": f"Zoho-oauthtoken {old.access_token if old else ''}"}
    status = stage.session.get(stage.candidates_url, headers=headers, timeout=30).status_code
    narrator.compare("Zoho on the old access token", promised=401, seen=status)
    stored = json.loads(stage.store.path.read_text("utf-8"))
    narrator.compare("tokens left in the file", promised=0, seen=len({"access_token", "refresh_token"} & stored.keys()))


STEPS: tuple[tuple[str, Callable[[Stage, Narrator], None]], ...] = (
    ("A person grants access, and the code becomes a token", authorize),
    ("The first call", list_candidates),
    ("A résumé is uploaded, and the token is rejected in the middle", upload),
    (f"An hour later, {_THREADS} threads find the token expired", call_from_threads),
    (f"The token dies under {_PROCESSES} processes of {_THREADS_EACH} threads", call_from_processes),
    ("Zoho throttles, and no caller notices", throttle_with_live_token),
    ("Zoho throttles, and there is no token to live on", throttle_without_token),
    ("The grant is revoked", revoke),
)


def _compare(stage: Stage, narrator: Narrator) -> None:
    """Do what most OAuth clients do in the same place, on another grant: each thread refreshes for itself."""
    grant, count = RefreshToken(Secret(stage.zoho.new_grant())), stage.count()

    def refresh() -> Outcome:
        try:
            stage.endpoint.mint(grant, None, now=stage.clock())
        except ZohoAuthError as error:
            return Outcome(type(error).__name__)
        return Outcome("200")

    good = _count_good(run_in_threads(_THREADS, refresh))
    stage.compared = count.token_requests
    narrator.note(
        f"for comparison, {_THREADS} threads that refresh each for itself, on another grant: {stage.compared} "
        f"token requests, {_THREADS - good} of them refused, and the grant is blocked for ten minutes"
    )


def _make_call(stage: Stage) -> Call:
    return Call(stage.candidates_url, stage.auth, stage.zoho.ca_bundle)


def _catch_failure(stage: Stage) -> requests.RequestException | None:
    try:
        stage.get_candidates()
    except requests.RequestException as error:
        return error
    return None


def _count_good(outcomes: list[Outcome]) -> int:
    return sum(outcome.told == "200" for outcome in outcomes)


def _summarize(outcomes: list[Outcome]) -> str:
    return ", ".join(f"{count} x {told}" for told, count in Counter(outcome.told for outcome in outcomes).items())
