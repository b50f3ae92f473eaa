"""What the processes of a storm do: threads that share one `ZohoRecruitAuth`, or session, and call the sandbox's API.

A module of its own, because a fresh interpreter has to be able to import it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

import requests
from requests_oauthlib import OAuth2Session

from helpers.process_fleet import released_together
from helpers.shared_stores import close_all
from requests_zohorecruit import FileStore, ZohoAuthError, ZohoRecruitAuth, zohorecruit_compliance_fix


@dataclass(frozen=True)
class Access:
    """Where the sandbox is, and what a client of it needs.

    :ivar grant: the arguments of a `ZohoRecruitAuth` that name a grant; none where a store has it
    """

    region: object
    client_id: str
    client_secret: str
    ca_bundle: str
    timeout: object = (5, 30)
    grant: dict = field(default_factory=dict, hash=False)

    @classmethod
    def to(cls, zoho):
        return cls(zoho.region, zoho.client_id, zoho.client_secret, zoho.ca_bundle)

    def without_person(self, zoho):
        """Return the access of another client by its credentials, which have asked for no token yet."""
        client, grant = zoho.new_client(), {"soid": zoho.soid, "scope": "ZohoRecruit.modules.ALL"}
        return replace(self, client_id=client.client_id, client_secret=client.client_secret, grant=grant)

    @property
    def url(self):
        return f"{self.region.recruit_url}/recruit/v2/Candidates"

    def session(self):
        session = requests.Session()
        session.trust_env, session.verify = False, self.ca_bundle
        return session

    def auth(self, store, **options):
        given = {"region": self.region, "store": store, "session": self.session(), "timeout": self.timeout}
        return ZohoRecruitAuth(self.client_id, self.client_secret, **(given | self.grant | options))


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []
        logging.getLogger("requests_zohorecruit").addHandler(self)

    def emit(self, record):
        self.texts.append(record.getMessage())


#: What `kept` callers use from storm to storm, as a program would.
_kept = {}


def calling(access, share, threads, calls=1, *, kept=False, **options):
    """Have each thread call the API; the result is (outcomes, warnings): status codes, or the errors raised.

    :param share: the `Share` that holds the grant
    :param kept: with the `ZohoRecruitAuth` of this process's last time, and what that has in memory
    :param options: of a `ZohoRecruitAuth`
    """
    warned = Warnings()
    if share not in _kept:
        _kept[share] = access.auth(share.open(), **options)
    auth = _kept[share] if kept else _kept.pop(share)

    def work(_):
        with access.session() as session:
            return [outcome(lambda: session.get(access.url, auth=auth, timeout=120).status_code) for _ in range(calls)]

    yield from _gathered(work, threads, warned)


def refreshing(access, share, threads, calls=1, **options):
    """Let each thread refresh the token."""
    warned = Warnings()
    auth = access.auth(share.open(), **options)
    yield from _gathered(lambda _: [outcome(lambda: bool(auth.refresh())) for _ in range(calls)], threads, warned)


def resting(forgotten=None):
    """Do nothing while another process works, but drop what was kept for a `Share` that is no longer needed."""
    yield
    if _kept.pop(forgotten, None) and not _kept:
        close_all()
    yield [], []


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
    if not _kept:
        close_all()
    yield outcomes, warned.texts


def calling_through_session(access, path, threads):
    """Have each thread call the API through one `OAuth2Session` with the fix; the result is the status codes."""
    session = OAuth2Session(access.client_id)
    session.verify, session.trust_env = access.ca_bundle, False
    zohorecruit_compliance_fix(session, region=access.region, client_secret=access.client_secret, store=FileStore(path))
    yield from released_together(lambda _: session.get(access.url, timeout=60).status_code, threads)
