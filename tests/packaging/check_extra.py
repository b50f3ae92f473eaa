"""Check that an installation with one extra, or with none, can do what the extra is for, and says what is missing.

``python -W error tests/packaging/check_extra.py sql`` runs in an environment that has ``requests-zohorecruit[sql]`` and
nothing else; the tox environments ``extra-…`` make those. Imports nothing of the tests.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import requests

import requests_zohorecruit
from requests_zohorecruit import stores

COMMAND = Path(sysconfig.get_path("scripts"), "zohorecruit")
#: Extra -> modules only it brings.
BRINGS = {
    "cli": {"click", "rich", "trustme"},
    "encrypted": {"cryptography"},
    "keyring": {"keyring", "platformdirs"},
    "redis": {"redis"},
    "sandbox": {"trustme"},
    "sql": {"sqlalchemy"},
}


def check_nothing_more() -> None:
    for name in requests_zohorecruit.__all__:
        getattr(requests_zohorecruit, name)
    installed = {"requests_zohorecruit", *metadata.packages_distributions()}
    assert "requests_oauthlib" in installed
    assert not installed & {"click", "cryptography", "keyring", "redis", "rich", "sqlalchemy", "trustme"}
    assert stores.RedisStore  # its client brings what it needs
    check_missing(lambda: stores.EncryptedStore, "encrypted")
    check_missing(lambda: stores.KeyringStore, "keyring")
    check_missing(lambda: stores.SQLStore, "sql")
    check_missing(lambda: importlib.import_module("requests_zohorecruit.sandbox").Sandbox, "sandbox")
    check_command_needs("cli")


def check_encrypted() -> None:
    from cryptography.fernet import Fernet

    inside = stores.MemoryStore()
    store = stores.EncryptedStore(inside, Fernet.generate_key())
    with store.lock(0):
        store.save({"refresh_token": "1000.r"})
    assert store.load() == {"refresh_token": "1000.r"}
    assert list(inside.load() or {}) == ["encrypted"]


def check_keyring() -> None:
    assert repr(stores.KeyringStore("service", "user")) == "KeyringStore('service', 'user')"


def check_redis() -> None:
    import redis

    assert repr(stores.RedisStore(redis.Redis(), "key")) == "RedisStore('key')"


def check_sql() -> None:
    import sqlalchemy

    store = stores.SQLStore(sqlalchemy.create_engine("sqlite://"), "key")
    store.create_table()
    with store.lock(0):
        store.save({"refresh_token": "1000.r"})
    assert store.load() == {"refresh_token": "1000.r"}


def check_sandbox() -> None:
    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho, requests.Session() as accounts:
        accounts.verify = zoho.ca_bundle
        accounts.trust_env = False
        auth = requests_zohorecruit.ZohoRecruitAuth(
            zoho.client_id, zoho.client_secret, region=zoho.region, refresh_token=zoho.refresh_token, session=accounts
        )
        assert accounts.get(f"{zoho.region.recruit_url}/recruit/v2/Candidates", auth=auth).ok
        assert zoho.token_requests == 1
    check_command_needs("cli")


def check_cli() -> None:
    version = f"requests-zohorecruit {requests_zohorecruit.__version__}"
    assert run("--version") == (0, version, "")
    status, told, complaint = run("regions")
    assert (status, complaint) == (0, "")
    assert "accounts.zohocloud.ca" in told
    check_sandbox_is_there()


def check_sandbox_is_there() -> None:
    from requests_zohorecruit.sandbox import Sandbox

    with Sandbox() as zoho:
        assert zoho.token_requests == 0


def check_missing(use: object, extra: str) -> None:
    try:
        use()
    except ImportError as error:
        assert f"requests-zohorecruit[{extra}]" in str(error), error
    else:
        raise AssertionError(f"there is no need for the extra {extra}")


def check_command_needs(extra: str) -> None:
    status, told, complaint = run("regions")
    assert (status, told) == (1, "")
    assert f"pip install 'requests-zohorecruit[{extra}]'" in complaint


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


CHECKS = {
    "none": check_nothing_more,
    "cli": check_cli,
    "encrypted": check_encrypted,
    "keyring": check_keyring,
    "redis": check_redis,
    "sandbox": check_sandbox,
    "sql": check_sql,
}


def main(extra: str) -> None:
    """Check one extra."""
    for module in BRINGS.get(extra, ()):
        importlib.import_module(module)
    CHECKS[extra]()
    print(f"{extra}: {requests_zohorecruit.__file__}")


if __name__ == "__main__":
    main(sys.argv[1].removeprefix("extra-"))
