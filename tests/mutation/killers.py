"""Which tests have to notice a wrong change of which module: the fast ones that are about it."""

from __future__ import annotations

_DOOR = ("tests/test_auth.py", "tests/test_replay.py")
_SESSIONS = ("tests/compliance",)

KILLERS = {
    "tokens": ("tests/test_tokens.py", "tests/test_accounts.py", "tests/fuzz/test_values.py"),
    "regions": (
        "tests/test_regions.py",
        "tests/test_authorization.py",
        "tests/fuzz/test_values.py",
        "tests/fuzz/test_callbacks.py",
    ),
    "answers": ("tests/test_answers.py", "tests/test_accounts.py", "tests/fuzz/test_accounts_answers.py"),
    "accounts": ("tests/test_accounts.py", "tests/test_auth.py"),
    "trustedhosts": ("tests/test_trusted_hosts.py", "tests/test_auth.py"),
    "replay": _DOOR,
    "auth": (*_DOOR, "tests/test_trusted_hosts.py"),
    "authorization": ("tests/test_authorization.py", *_SESSIONS),
    "stores.file": ("tests/stores/test_file.py",),
    "stores.lockfile": ("tests/stores/test_file.py", "tests/test_locks.py"),
    "stores.guard": ("tests/stores/test_guard.py", "tests/stores/test_file.py"),
    "secret": ("tests/test_secret.py", "tests/test_tokens.py", "tests/test_accounts.py"),
    "locks": ("tests/test_locks.py", "tests/stores/test_memory.py"),
    "errors": ("tests/test_errors.py", "tests/test_accounts.py"),
    "compliance": _SESSIONS,
    "zohosession": _SESSIONS,
    "sessionauth": _SESSIONS,
    "logfilter": _SESSIONS,
    "consent": ("tests/test_authorization.py", "tests/cli"),
    "source": ("tests/test_source.py", "tests/model/test_engine_regressions.py", *_DOOR),
    "recordstore": ("tests/test_source.py", *_DOOR),
    "sharedrecord": ("tests/test_source.py", "tests/model/test_engine_regressions.py", *_DOOR),
    "records": ("tests/test_records.py", "tests/fuzz/test_stored_records.py", "tests/test_source.py", *_DOOR),
}

#: Parts of names of tests that take long: run for no module but those in `PATIENT`.
SLOW = (
    "test_T35_so_does_one_that_is_longer_than_what_we_look_at",
    "test_T50_a_writer_killed_at_any_instant",
    "test_T53_processes_that_come_and_go",
)
PATIENT = ("replay",)
