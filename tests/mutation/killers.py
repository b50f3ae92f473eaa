"""Which tests have to notice a wrong change of which module: the fast ones that are about it."""

from __future__ import annotations

_DOOR = ("tests/auth/test_zoho_recruit_auth.py", "tests/auth/test_replay.py")
_SESSIONS = ("tests/session",)
_ENGINE = (
    "tests/engine/test_refresher.py",
    "tests/engine/test_critical_section.py",
    "tests/engine/test_model_findings.py",
    "tests/engine/test_merge.py",
    *_DOOR,
)

KILLERS = {
    "errors": ("tests/test_errors.py", "tests/zoho/test_application.py", "tests/zoho/test_token_endpoint.py"),
    "secret": ("tests/test_secret.py", "tests/zoho/test_token.py", "tests/zoho/test_application.py"),
    "thread_locks": ("tests/test_thread_locks.py", "tests/stores/test_memory.py"),
    "zoho.regions": (
        "tests/zoho/test_regions.py",
        "tests/zoho/test_consent.py",
        "tests/fuzz/test_values.py",
        "tests/fuzz/test_callbacks.py",
    ),
    "zoho.application": ("tests/zoho/test_application.py", "tests/zoho/test_token_endpoint.py"),
    "zoho.consent": ("tests/zoho/test_consent.py", *_SESSIONS, "tests/cli"),
    "zoho.token": ("tests/zoho/test_token.py", "tests/zoho/test_token_endpoint.py", "tests/fuzz/test_values.py"),
    "zoho.token_endpoint": ("tests/zoho/test_token_endpoint.py", "tests/auth/test_zoho_recruit_auth.py"),
    "zoho.token_answers": (
        "tests/zoho/test_token_answers.py",
        "tests/zoho/test_token_endpoint.py",
        "tests/fuzz/test_accounts_answers.py",
    ),
    "zoho.api_answers": ("tests/zoho/test_api_answers.py", "tests/fuzz/test_api_answers.py"),
    "stores.errors": ("tests/stores/test_errors.py", "tests/stores/test_file.py"),
    "stores.encoding": ("tests/stores/test_encoding.py", "tests/stores/test_file.py"),
    "stores.text_store": ("tests/stores/test_file.py", "tests/stores/test_redis.py", "tests/stores/test_keyring.py"),
    "stores.file": ("tests/stores/test_file.py",),
    "stores.file_lock": ("tests/stores/test_file.py", "tests/test_thread_locks.py"),
    "engine.bookkeeping": ("tests/engine/test_record.py", "tests/fuzz/test_stored_records.py", *_ENGINE),
    "engine.record": ("tests/engine/test_record.py", "tests/fuzz/test_stored_records.py", *_ENGINE),
    "engine.limits": ("tests/engine/test_limits.py", "tests/engine/test_record.py", *_ENGINE),
    "engine.merge": _ENGINE,
    "engine.store_access": _ENGINE,
    "engine.critical_section": _ENGINE,
    "engine.refresher": _ENGINE,
    "auth.trusted_hosts": ("tests/auth/test_trusted_hosts.py", "tests/auth/test_zoho_recruit_auth.py"),
    "auth.replay": _DOOR,
    "auth.response_hook": _DOOR,
    "auth.zoho_recruit_auth": (*_DOOR, "tests/auth/test_trusted_hosts.py"),
    "session.compliance_fix": _SESSIONS,
    "session.zoho_session": _SESSIONS,
    "session.session_auth": _SESSIONS,
    "session.log_filter": _SESSIONS,
}

#: Parts of names of tests that take long: run for no module but those in `PATIENT`.
SLOW = (
    "test_T35_so_does_one_that_is_longer_than_what_we_look_at",
    "test_T50_a_writer_killed_at_any_instant",
    "test_T53_processes_that_come_and_go",
)
PATIENT = ("auth.replay",)
