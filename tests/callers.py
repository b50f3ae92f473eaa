"""What the processes of a storm do: threads that share one `ZohoRecruitAuth` and call the sandbox's API with it.

A module of its own, because a fresh interpreter has to be able to import it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import requests
from fleet import released_together

from requests_zohorecruit import ZohoAuthError, ZohoRecruitAuth


@dataclass(frozen=True)
class Access:
    """Where the sandbox is, and what a client of it needs."""

    region: object
    client_id: str
    client_secret: str
    ca_bundle: str
    timeout: object = (5, 30)

    @classmethod
    def to(cls, zoho):
        return cls(zoho.region, zoho.client_id, zoho.client_secret, zoho.ca_bundle)

    @property
    def url(self):
        return f"{self.region.recruit_url}/recruit/v2/Candidates"

    def session(self):
        session = requests.Session()
        session.trust_env, session.verify = False, self.ca_bundle
        return session

    def auth(self, store, **options):
        given = {"region": self.region, "store": store, "session": self.session(), "timeout": self.timeout}
        return ZohoRecruitAuth(self.client_id, self.client_secret, **(given | options))


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []
        logging.getLogger("requests_zohorecruit").addHandler(self)

    def emit(self, record):
        self.texts.append(record.getMessage())


def calling(access, make_store, threads, calls=1):
    """Have each thread call the API; the result is (outcomes, warnings): status codes, or the errors raised."""
    warned = Warnings()
    auth = access.auth(make_store())

    def work(_):
        with access.session() as session:
            return [outcome(lambda: session.get(access.url, auth=auth, timeout=120).status_code) for _ in range(calls)]

    yield from _gathered(work, threads, warned)


def refreshing(access, make_store, threads, calls=1):
    """Have each thread ask for another token."""
    warned = Warnings()
    auth = access.auth(make_store())
    yield from _gathered(lambda _: [outcome(lambda: bool(auth.refresh())) for _ in range(calls)], threads, warned)


def outcome(work):
    try:
        return work()
    except ZohoAuthError as error:
        return error


def _gathered(work, threads, warned):
    released = released_together(work, threads)
    yield next(released)
    outcomes = []
    for results in next(released):
        outcomes += results if isinstance(results, list) else [results]
    logging.getLogger("requests_zohorecruit").removeHandler(warned)
    yield outcomes, warned.texts
