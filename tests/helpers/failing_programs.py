"""Programs that fail inside this library, each with secrets planted; run as a script, what reporters make of them.

A program is a function without arguments whose own frames hold an auth object or a session at most.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import urlencode

import keyring
import requests
import sqlalchemy
from requests_oauthlib import OAuth2Session

from helpers.canned_adapter import session_over
from helpers.error_reporters import find_secrets, start_reporters
from helpers.memory_keyring import Safe
from requests_zohorecruit import (
    CallbackStore,
    FileStore,
    MemoryStore,
    Region,
    ZohoRecruitAuth,
    zohorecruit_compliance_fix,
)
from requests_zohorecruit.sandbox import Sandbox
from requests_zohorecruit.stores import KeyringStore, RedisStore, SQLStore

CLIENT_ID = "1000.PLANTED"
CLIENT_SECRET = "5ec7e7" * 7
GRANT, ACCESS = (f"1000.{digit * 32}.{digit * 32}" for digit in "ab")
TIMEOUT = (2, 0.3)
URL = "https://recruit.zoho.eu/recruit/v2/Candidates"


def make_record():
    """A function: stackprinter shows the global variables, too, that a frame's source names."""
    return {"client_id": CLIENT_ID, "region": "eu", "refresh_token": GRANT, "access_token": ACCESS, "expires_at": 1.0}


def get(auth):
    requests.get(URL, auth=auth)


# Doors


def sign(zoho, session):
    return partial(requests.get, f"{zoho.region.recruit_url}/recruit/v2/Candidates", auth=make_auth(zoho, session))


def refresh(zoho, session):
    return make_auth(zoho, session).refresh


def replace_rejected(zoho, session):
    auth = make_auth(zoho, session)
    auth.refresh()
    zoho.reject_tokens()
    return partial(session.get, f"{zoho.region.recruit_url}/recruit/v2/Candidates", auth=auth)


def revoke(zoho, session):
    return make_auth(zoho, session).revoke


def call_session(zoho, _):
    fixed = make_session(zoho, token={"refresh_token": zoho.refresh_token, "expires_at": 1.0, "access_token": ACCESS})
    return partial(fixed.get, f"{zoho.region.recruit_url}/recruit/v2/Candidates")


def refresh_session(zoho, _):
    fixed = make_session(zoho, token={"refresh_token": zoho.refresh_token})
    return partial(fixed.refresh_token, zoho.region.token_url)


def redeem(zoho, _):
    fixed = make_session(zoho)
    return partial(fixed.fetch_token, zoho.region.token_url, code=zoho.new_code(), timeout=TIMEOUT)


DOORS = (sign, refresh, replace_rejected, revoke, call_session, refresh_session, redeem)


def make_auth(zoho, session, **more):
    return ZohoRecruitAuth(
        zoho.client_id,
        zoho.client_secret,
        region=zoho.region,
        refresh_token=zoho.refresh_token,
        session=session,
        timeout=TIMEOUT,
        **more,
    )


def make_session(zoho, **more):
    session = OAuth2Session(zoho.client_id, redirect_uri=zoho.redirect_uri, **more)
    session.verify = zoho.ca_bundle
    fixed = zohorecruit_compliance_fix(session, region=zoho.region, client_secret=zoho.client_secret)
    fixed.zoho_auth._endpoint._timeout = fixed.zoho_auth.refresher.endpoint._timeout = TIMEOUT
    return fixed


def list_faults(zoho):
    """Every fault of the sandbox, through every public entry point; some faults cause no error."""
    for fault, door in product(Sandbox.FAULTS, DOORS):
        zoho.renew(redirect_uris=(zoho.redirect_uri,))
        with requests.Session() as session:
            session.verify = zoho.ca_bundle
            program = door(zoho, session)
            zoho.fault(fault, times=5)
            yield f"{fault}, {door.__name__}", program


# Answers that carry tokens where none should be

ODD = {
    "a token for an error": (200, {"error": GRANT}),
    "a token in the description": (400, {"error": "invalid_code", "error_description": f"bad {GRANT}"}),
    "tokens beside an error": (200, {"error": "Access Denied", "access_token": ACCESS, "refresh_token": GRANT}),
    "an impossible access token": (200, {"access_token": f"{ACCESS} {ACCESS}", "expires_in": 3600}),
    "an impossible refresh token": (200, {"access_token": ACCESS, "refresh_token": f"{GRANT}\n"}),
    "a token in a list": (200, [ACCESS]),
    "a token in HTML": (200, f"<html><title>{ACCESS}</title>{GRANT}"),
    "a token in an error page": (500, f"<html><title>{ACCESS}</title>{GRANT}"),
    "a token as the address": (302, "", {"Location": f"https://elsewhere.example/?token={GRANT}"}),
    "a token as the word for the secret": (200, {"error": f"invalid_client_secret {CLIENT_SECRET}"}),
    "a token as expiry": (200, {"access_token": ACCESS, "expires_in": GRANT, "scope": {"a": GRANT}}),
}


def list_odd_answers():
    for name, (status, content, *headers) in ODD.items():
        body = content if isinstance(content, str) else json.dumps(content)
        answer = (status, dict(*headers), body.encode())
        for door in ("refresh", "revoke", "sign"):
            auth = ZohoRecruitAuth(
                CLIENT_ID, CLIENT_SECRET, region="eu", refresh_token=GRANT, session=session_over(answer)
            )
            yield f"{name}, {door}", partial(get, auth) if door == "sign" else getattr(auth, door)


# Stores


class OwnStore:
    """A user's own token store."""

    def __init__(self, failing=None, error=None):
        self.record, self.failing, self.error = make_record(), failing, error

    def load(self):
        found = dict(self.record)
        self.fail("load", found)
        return found

    def save(self, record):
        self.fail("save", record)

    @contextmanager
    def lock(self, timeout):
        self.fail("lock", self.record)
        yield

    def fail(self, doing, record):
        if self.failing == doing:
            raise self.error


def break_text_store(store, doing, error):
    """Make a text store fail where it reads, writes or locks, with the record in the frames."""
    name = {"load": "_read", "save": "_write", "lock": "_hold"}[doing]
    name = name if hasattr(store, name) else "lock"

    def fail(*record):
        text = record if doing == "save" else json.dumps(make_record())
        try:
            json.loads("{" + "".join(text))
        except ValueError:
            raise error from None

    setattr(store, name, fail)
    return store


def break_keyring(store, doing, error):
    safe = Safe()
    keyring.set_keyring(safe)
    store.save(make_record())
    if doing == "lock":
        return break_text_store(store, doing, error)

    def fail(service, username, password=None):
        text = password or json.dumps(make_record())
        raise error from (None if text else error)

    setattr(safe, {"load": "get_password", "save": "set_password"}[doing], fail)
    return store


class RedisClient:
    """The part of a Redis client that the store uses."""

    def __init__(self, doing, error):
        self.doing, self.error = doing, error

    def get(self, key):
        text = json.dumps(make_record())
        if self.doing == "load" and not key.endswith(":lock"):
            raise self.error
        return None if key.endswith(":lock") else text

    def set(self, key, value, **_):
        if self.doing == ("lock" if key.endswith(":lock") else "save"):
            raise self.error
        return True

    def eval(self, _, count, key, *values):
        if self.doing == "save" and not key.endswith(":lock"):
            raise self.error
        return 1


def make_sql(folder, doing, error):
    engine = sqlalchemy.create_engine(f"sqlite:///{folder}/{doing}.db")
    store = SQLStore(engine, "grant")
    store.create_table()
    store.save(make_record())
    word = {"load": "SELECT", "save": "UPDATE", "lock": "BEGIN"}[doing]
    if doing == "lock":
        return break_text_store(store, doing, error)

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute")
    def fail(connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().upper().startswith((word, "INSERT" if doing == "save" else word)):
            raise error

    return store


def make_callbacks(doing, error):
    own = OwnStore(doing, error)
    return CallbackStore(own.save, own.load, own.lock)


def make_memory(*break_):
    store = MemoryStore()
    store.save(make_record())
    return break_text_store(store, *break_)


def make_file(folder, doing, error):
    store = FileStore(f"{folder}/{doing}.json")
    store.save(make_record())
    return break_text_store(store, doing, error)


STORES = {
    "memory": lambda _, *how: make_memory(*how),
    "file": make_file,
    "callback": lambda _, *how: make_callbacks(*how),
    "redis": lambda _, *how: RedisStore(RedisClient(*how), "zoho"),
    "sql": make_sql,
    "keyring": lambda _, *how: break_keyring(KeyringStore("service", "user"), *how),
    "own": lambda _, *how: OwnStore(*how),
}
ERRORS = (KeyboardInterrupt, SystemExit, OSError)


def list_broken_stores(folder):
    minted = (200, {}, json.dumps({"access_token": ACCESS, "expires_in": 3600}).encode())
    for (name, make), doing, kind in product(STORES.items(), ("load", "save", "lock"), ERRORS):
        for door in ("refresh", "sign"):
            with tempfile.TemporaryDirectory(dir=folder) as room:
                store = make(room, doing, kind(f"{GRANT} of the driver") if kind is OSError else kind())
                auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", store=store, session=session_over(minted))
                program = partial(get, auth) if door == "sign" else getattr(auth, door)
                yield f"{kind.__name__} in {doing} of {name}, {door}", program


def list_stored_records():
    for name, changes in {
        "another client's": {"client_id": "1000.OTHER"},
        "another region's": {"region": "us"},
        "another's, in a list": {"client_id": [GRANT]},
        "a damaged refresh token": {"refresh_token": f"{GRANT} {GRANT}"},
        "a refresh token that is none": {"refresh_token": [GRANT]},
        "a damaged access token": {"access_token": f"{ACCESS}\n"},
        "an access token that is none": {"access_token": {"value": ACCESS}},
        "a token for a date": {"expires_at": ACCESS},
        "a token for a domain": {"api_domain": [ACCESS]},
        "a token for scopes": {"scope": {"scope": ACCESS}},
    }.items():
        for door in ("refresh", "revoke", "sign"):
            store = OwnStore()
            store.record |= changes
            auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", store=store)
            yield f"{name} record, {door}", partial(get, auth) if door == "sign" else getattr(auth, door)
    for name, found in {"a list": [GRANT], "text": GRANT}.items():
        store = OwnStore()
        store.load = partial(lambda value: value, found)
        yield f"{name} for a record", ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", store=store).refresh


# What one starts with


def list_bad_arguments():
    for name, changes in {
        "no secret for the region": {"client_secret": {"us": CLIENT_SECRET}},
        "a secret that is none": {"client_secret": [CLIENT_SECRET]},
        "a damaged secret": {"client_secret": f"{CLIENT_SECRET} {CLIENT_SECRET}"},
        "the secret for a region": {"region": CLIENT_SECRET},
        "the grant for a region": {"region": GRANT},
        "a damaged grant": {"refresh_token": f" {GRANT}"},
        "a grant that is none": {"refresh_token": {"refresh_token": GRANT}},
        "the grant for a host": {"allowed_hosts": [f"https://{GRANT}/"]},
        "a record for a store": {"store": make_record()},
        "the grant for a timeout": {"timeout": GRANT},
        "the secret for a session": {"session": CLIENT_SECRET},
    }.items():
        arguments = {"client_secret": CLIENT_SECRET, "region": "eu", "refresh_token": GRANT, **changes}
        yield name, partial(ZohoRecruitAuth, CLIENT_ID, **arguments)
        if name != "the grant for a timeout" and not changes.keys() & {"refresh_token", "session"}:
            session = OAuth2Session(CLIENT_ID, token={"access_token": ACCESS, "refresh_token": GRANT})
            fix = {"client_secret": CLIENT_SECRET, "region": "eu", **changes}
            yield f"{name}, a session's", partial(zohorecruit_compliance_fix, session, **fix)
    session = OAuth2Session(CLIENT_ID, token={"access_token": f"{ACCESS} ", "refresh_token": GRANT})
    yield "a damaged token", partial(zohorecruit_compliance_fix, session, region="eu", client_secret=CLIENT_SECRET)
    auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region="eu", refresh_token=GRANT)
    yield "a request to a stranger", partial(requests.get, "https://elsewhere.example/", auth=auth)


def list_bad_settings(folder):
    good = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "REGION": "eu", "REFRESH_TOKEN": GRANT}
    record = Path(folder, "record.json")
    record.write_text(json.dumps(make_record()))
    for name, changes in {
        "no region": {"REGION": ""},
        "the secret for a region": {"REGION": CLIENT_SECRET},
        "a damaged secret": {"CLIENT_SECRET": f"{CLIENT_SECRET} {CLIENT_SECRET}"},
        "a damaged grant": {"REFRESH_TOKEN": f"{GRANT}\u200b{GRANT}"},
        "a grant twice": {"REFRESH_TOKEN_FILE": str(record)},
        "JSON for a grant": {"REFRESH_TOKEN": "", "REFRESH_TOKEN_FILE": str(record)},
    }.items():
        os.environ |= {f"ZOHORECRUIT_{key}": value for key, value in (good | changes).items()}
        yield f"{name} in the environment", ZohoRecruitAuth.from_env
        os.environ.pop("ZOHORECRUIT_REFRESH_TOKEN_FILE", None)
    home = Path(folder, "home")
    os.environ["ZOHORECRUIT_HOME"] = str(home)
    for name, content in {
        "a damaged profile": f'{{"client_secret": "{CLIENT_SECRET}", "refresh_token": "{GRANT}"',
        "a profile without a region": json.dumps({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}),
        "a profile with a list": json.dumps([CLIENT_SECRET]),
    }.items():
        (home / "default").mkdir(parents=True, exist_ok=True)
        for file in ("client.json", "application.json", "token.json"):
            (home / "default" / file).write_text(content)
        yield name, ZohoRecruitAuth.from_profile


# Failures of the API itself, which do not pass through this library


def list_api_failures(zoho):
    token = {"access_token": ACCESS, "refresh_token": GRANT, "expires_at": time.time() + 3600, "expires_in": 3600}
    for name, meet in {
        "no connection": None,
        "reset": lambda connection: connection.close(),
        "silence": lambda connection: None,
    }.items():
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            if meet:
                listener.listen()
                kept = []
                threading.Thread(target=accept, args=(listener, meet, kept), daemon=True).start()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            store = MemoryStore()
            store.save(token)
            auth = ZohoRecruitAuth(CLIENT_ID, CLIENT_SECRET, region=Region("x", url, url), store=store)
            auth(requests.Request("GET", url).prepare())
            yield f"{name} at the API", partial(requests.get, url, auth=auth, timeout=0.3)
    with requests.Session() as session:
        session.verify = zoho.ca_bundle
        auth = make_auth(zoho, session)
        auth.refresh()
        api = f"{zoho.region.recruit_url}/recruit/v2/Candidates"
        yield "a body that breaks off", lambda: session.post(api, auth=auth, data=break_off())


def accept(listener, meet, kept):
    connection, _ = listener.accept()
    kept.append(connection)
    meet(connection)


def break_off():
    yield b"x"
    raise OSError("of the body")


# The control: a frame of the library's that keeps a secret


def list_controls(folder):
    path = Path(folder, "careless.py")
    path.write_text("def careless(form):\n    kept = {'form': form}\n    raise LookupError(len(kept))\n")
    scope = {"__name__": "careless", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    for name, form in {
        "text": GRANT,
        "a form": urlencode({"refresh_token": GRANT, "client_secret": CLIENT_SECRET}),
        "bytes": f"client_secret={CLIENT_SECRET}".encode(),
        "base64": base64.b64encode(CLIENT_SECRET.encode()).decode(),
    }.items():
        yield name, partial(scope["careless"], form)


#: Of so many programs one is run.
EVERY = int(os.environ.get("REPORT_EVERY", "1"))
#: Of so many programs, these reporters are given one.
SLOW = {"pytest": 10, "rich, printed": 20, "structlog, printed": 20}


def catch(program):
    """Return the error with the frames from the program's own on."""
    try:
        program()
    except BaseException as error:
        return error.with_traceback(error.__traceback__.tb_next or error.__traceback__)
    return None


def main(kinds):
    """Print a line of JSON for each program, reporter and kind."""
    reporters = start_reporters()
    with Sandbox() as zoho, tempfile.TemporaryDirectory() as folder:
        os.environ["REQUESTS_CA_BUNDLE"] = zoho.ca_bundle
        listed = {
            "fault": lambda: list_faults(zoho),
            "answer": list_odd_answers,
            "store": lambda: list_broken_stores(folder),
            "record": list_stored_records,
            "argument": list_bad_arguments,
            "setting": lambda: list_bad_settings(folder),
            "api": lambda: list_api_failures(zoho),
            "control": lambda: list_controls(folder),
        }
        for kind in kinds:
            for number, (name, program) in enumerate(listed[kind]()):
                secrets = {CLIENT_SECRET, GRANT, ACCESS, zoho.client_secret, zoho.refresh_token}
                sampled = kind == "control" or number % EVERY == 0
                error = catch(program) if sampled else None
                for reporter, report in reporters.items() if error else ():
                    if kind != "control" and number // EVERY % SLOW.get(reporter, 1):
                        continue  # it takes ten times as long as the others, and shows no other values than they do
                    payload = report(error)
                    shown = type(error).__name__ in payload
                    print(json.dumps([kind, name, reporter, shown, find_secrets(payload, secrets)]))


if __name__ == "__main__":
    main(sys.argv[1:])
