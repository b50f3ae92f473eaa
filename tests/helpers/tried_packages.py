"""The packages that the tests try this library with: the one list, which tests and the page "Tried with" are made from.

Owns what a row says and how the page is written. Which version was tried is on the page itself: a run with
``pytest --write-tried-with`` records there what the tests that passed had beside them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping
from importlib.metadata import version as version_of
from typing import NamedTuple

from helpers.doc_pages import DOCS

__all__ = ["PAGE", "TRIED", "Tried", "find_pages", "read_versions", "record", "render"]

PAGE = DOCS / "reference/tried-with.rst"


class Tried(NamedTuple):
    """One package.

    :ivar test: the file whose tests try it; it decides which environment's version is recorded
    :ivar page: what tells more, as Sphinx names it; empty = nothing does
    """

    package: str
    test: str
    tried: str
    know: str
    page: str = ""


_EXAMPLES = "tests/docs/test_examples.py"
_RECIPES = "tests/integrations/check_recipes.py"
_CALLS = "tests/zoho/test_call_session.py"
_REPLAY = "tests/auth/test_replay.py"
_REPORTERS = "tests/test_reporters.py"
_CLIENTS = "tests/docs/test_other_clients.py"
_OAUTH = "tests/integrations/check_oauth_clients.py"

#: By the heading that they stand under.
TRIED: dict[str, tuple[Tried, ...]] = {
    "Pipelines and data": (
        Tried(
            "apache-airflow",
            "tests/integrations/check_airflow.py",
            "A DAG run by ``airflow dags test``; the same tasks in four processes at once.",
            "Put the grant into a database of your own or a Redis. Tasks cannot reach Airflow's metadata database.",
            "howto/recipes/airflow",
        ),
        Tried(
            "apache-airflow-providers-http",
            "tests/integrations/check_airflow.py",
            "``HttpHook`` and ``HttpOperator`` with an ``auth_type``, pages, a rejected token.",
            "A connection's extra is sent as headers. ``deferrable=True`` does not work with an auth of requests.",
            "howto/recipes/airflow",
        ),
        Tried(
            "airbyte-cdk",
            "tests/integrations/check_airbyte.py",
            "A manifest with a custom authenticator, checked and read; a stream in Python.",
            "Custom components need ``AIRBYTE_ENABLE_UNSAFE_CODE``.",
            "howto/recipes/airbyte",
        ),
        Tried(
            "dlt",
            _RECIPES,
            "``RESTClient`` and the ``rest_api`` source, with an empty list.",
            "Give it a session. Zoho answers 204 for an empty list; tell dlt to ignore that.",
            "howto/recipes/dlt",
        ),
        Tried(
            "singer-sdk",
            _RECIPES,
            "A tap with two streams, a rejected token, an empty list.",
            "With private certificates, set ``verify`` on the stream's session.",
            "howto/recipes/singer",
        ),
        Tried(
            "pandas",
            _RECIPES,
            "Records into a frame, to CSV and back.",
            "Read IDs as text: a float cannot represent numbers of that length.",
            "howto/recipes/pandas",
        ),
        Tried(
            "hrflow-connectors",
            "tests/integrations/check_hrflow_connectors.py",
            "A public Recruit connector, as it is and with one ``auth=``.",
            "Without this library, it makes a token request for each operation.",
        ),
    ),
    "Web applications and workers": (
        Tried(
            "celery",
            "tests/fire/test_prefork.py",
            "Prefork workers with a fork during a refresh; soft time limits; errors through a result backend.",
            "``SoftTimeLimitExceeded`` is passed on unchanged, and the worker can carry on.",
            "howto/recipes/django-celery",
        ),
        Tried(
            "django",
            _EXAMPLES,
            "A view and a task with one store; a store in a model, by the contract tests.",
            "This library's store has its own connections, so a rollback does not discard a token.",
            "howto/recipes/django-celery",
        ),
        Tried(
            "fastapi",
            _RECIPES,
            "An endpoint that calls with httpx; a rejected token.",
            "A refresh waits in a thread. The workers share a file.",
            "howto/recipes/fastapi",
        ),
        Tried(
            "flask",
            _EXAMPLES,
            "A login and calls, in several data centres.",
            "The callback says in which data centre the person is.",
            "howto/web-application",
        ),
        Tried(
            "flask-dance",
            _EXAMPLES,
            "Login, calls, a rejected token.",
            "Its own storage, the browser's cookie, stays empty.",
            "howto/recipes/flask-dance",
        ),
        Tried(
            "gunicorn",
            "tests/fire/test_prefork.py",
            "``--preload``, and a fork during a refresh.",
            "An auth object created before the fork can be used in the workers.",
            "howto/sharing",
        ),
        Tried(
            "gevent",
            _EXAMPLES,
            "Twenty greenlets and one refresh; time limits.",
            "Patch before anything else is imported.",
            "howto/recipes/processes",
        ),
        Tried(
            "eventlet",
            "tests/test_thread_locks.py",
            "Locks between greenlets and threads; time limits.",
            "Patch before anything else is imported.",
            "howto/sharing",
        ),
        Tried(
            "joblib",
            _REPLAY,
            "Answers and errors that come back from a worker.",
            "A pickled answer holds no secret. Create the auth object in the worker.",
            "howto/recipes/processes",
        ),
    ),
    "HTTP clients": (
        Tried(
            "requests",
            _REPLAY,
            "Everything.",
            "Give each of your calls a timeout. requests has none by default.",
            "explanation/request",
        ),
        Tried(
            "httpx",
            _CLIENTS,
            "Both clients; rejected tokens, other hosts, redirects, 64 threads.",
            "A body that can be read only once cannot be sent again.",
            "howto/other-clients",
        ),
        Tried(
            "aiohttp",
            _CLIENTS,
            "A client middleware; rejected tokens, other hosts, redirects.",
            "Needs aiohttp 3.12 or later, which has middlewares.",
            "howto/other-clients",
        ),
        Tried(
            "niquests",
            "tests/integrations/check_niquests.py",
            "Calls, rejected tokens, and requests beside it.",
            "It replaces urllib3, also for requests, so the tests install it in a separate environment.",
            "howto/other-clients",
        ),
        Tried(
            "urllib3",
            _EXAMPLES,
            "A pool on its own; ``Retry`` for 429 and 503.",
            "Leave 401 out of the list of ``Retry``.",
            "howto/recipes/retries",
        ),
        Tried(
            "requests-toolbelt",
            _EXAMPLES,
            "``MultipartEncoder``, with a rejected token.",
            "It cannot be put back to its beginning: a 401 is handed to you, and the second try is yours.",
            "howto/recipes/files",
        ),
        Tried(
            "httpie",
            "tests/cli/test_httpie.py",
            "``http --auth-type zohorecruit``, a rejected token.",
            "``-a`` names a profile.",
        ),
        Tried(
            "zohocrmsdk8-0",
            _EXAMPLES,
            "A token store that gives it this library's token; its own token layer on the sandbox.",
            "It is never given the refresh token.",
            "howto/other-clients",
        ),
    ),
    "Tests and caches": (
        Tried(
            "pytest-recording",
            _EXAMPLES,
            "A cassette, written and searched.",
            "Nothing has to be filtered.",
            "howto/recipes/test-tools",
        ),
        Tried(
            "vcrpy",
            "tests/test_cassettes.py",
            "Cassettes of API and token calls, in YAML and JSON, recorded and played.",
            "For token calls, add ``hide_secrets_in_cassettes``.",
            "howto/recipes/test-tools",
        ),
        Tried(
            "requests-mock",
            _CALLS,
            "Mocks for everything and for one session; a rejected token.",
            "The form of a token request is not hidden in its history.",
            "howto/recipes/test-tools",
        ),
        Tried(
            "responses",
            _EXAMPLES,
            "By itself, and under ``mock_zoho``.",
            "``mock_zoho`` is a whole Zoho made of it.",
            "howto/recipes/test-tools",
        ),
        Tried("httmock", _CALLS, "Token calls with and without a session.", ""),
        Tried("requests-wsgi-adapter", _CALLS, "An application that answers token calls.", "Mount it on ``session=``."),
        Tried(
            "requests-cache",
            _EXAMPLES,
            "Sessions and ``install_cache()``; two backends and three serializers.",
            "Two accounts with one cache see each other's candidates.",
            "howto/recipes/requests-cache",
        ),
    ),
    "Stores and settings": (
        Tried(
            "redis",
            _EXAMPLES,
            "The contract tests on a real server, which is killed, stopped and emptied; twenty cold starts.",
            "``lock_ttl`` must be longer than a token call can take.",
            "howto/sharing",
        ),
        Tried(
            "sqlalchemy",
            "tests/stores/test_sql.py",
            "The contract tests on SQLite, PostgreSQL and MariaDB.",
            "Call ``create_table()`` once.",
            "howto/sharing",
        ),
        Tried(
            "psycopg",
            "tests/stores/test_sql.py",
            "PostgreSQL, including a server that hangs or restarts.",
            "",
            "howto/sharing",
        ),
        Tried("pymysql", "tests/stores/test_sql.py", "MariaDB, including a server that hangs.", "", "howto/sharing"),
        Tried(
            "keyring",
            "tests/stores/test_keyring.py",
            "The contract tests, on a keyring in memory.",
            "The keyrings of operating systems have not been tried.",
            "howto/sharing",
        ),
        Tried(
            "cryptography",
            "tests/stores/test_encrypted.py",
            "``EncryptedStore`` around each of the others; rotation.",
            "A lost key is a lost grant.",
            "howto/encrypt",
        ),
        Tried(
            "python-dotenv",
            _EXAMPLES,
            "A ``.env`` with the names that most scripts have.",
            '``from_env(prefix="ZOHO_")`` reads them.',
            "howto/recipes/old-scripts",
        ),
    ),
    "Logs, traces and error reports": (
        Tried(
            "opentelemetry-instrumentation-requests",
            _CALLS,
            "Spans of token calls.",
            "No secret is in a span.",
        ),
        Tried(
            "sentry-sdk", _REPORTERS, "Reports of failing programs, with local variables.", "No secret is in a report."
        ),
        Tried(
            "elastic-apm", _REPORTERS, "Reports of failing programs, with local variables.", "No secret is in a report."
        ),
        Tried("rollbar", _REPORTERS, "Reports of failing programs, with local variables.", "No secret is in a report."),
        Tried("stackprinter", _REPORTERS, "Tracebacks with local variables.", "No secret is in a traceback."),
        Tried("structlog", _REPORTERS, "Tracebacks as JSON, with local variables.", "No secret is in a traceback."),
    ),
    "OAuth libraries": (
        Tried(
            "requests-oauthlib",
            "tests/session/test_session.py",
            "``OAuth2Session`` with the fix, and without it on the sandbox.",
            "The fix can be applied to a session that is already in use.",
            "howto/from-requests-oauthlib",
        ),
        Tried("authlib", "tests/sandbox/test_witness.py", "On the sandbox, without this library.", ""),
        Tried("google-auth", _OAUTH, "On the sandbox, without this library.", ""),
        Tried("requests-oauth2client", _OAUTH, "On the sandbox, without this library.", ""),
    ),
}

_INTRODUCTION = """\
Tried with
==========

The tests use this library together with the real packages below. Each row gives the version that the tests last passed with,
what they try, and what to know before you start. Other versions will usually work. This page is generated from the tests'
own list. The tests also search everything that a recipe leaves behind (files, caches, cassettes, logs) for tokens.
"""


def find_pages(test: str) -> list[str]:
    """Return the pages whose examples are run by a file of tests, whose path begins with `test`."""
    rows = [row for rows in TRIED.values() for row in rows]
    return sorted({row.page for row in rows if row.test.startswith(test) and row.page.startswith("howto/recipes/")})


def render(versions: Mapping[str, str]) -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for heading, rows in TRIED.items():
        parts.append(
            f"\n{heading}\n{'-' * len(heading)}\n\n.. list-table::\n    :header-rows: 1\n    :widths: 22 39 39\n\n"
        )
        parts.append("    * - Package\n      - Tried\n      - Good to know\n")
        for row in rows:
            see = f" See :doc:`/{row.page}`." if row.page else ""
            parts.append(f"    * - {row.package} {versions[row.package]}\n")
            parts += [_wrap(row.tried), _wrap(row.know + see)]
    return "".join(parts)


def _wrap(cell: str) -> str:
    wrapped = textwrap.fill(cell, 116, subsequent_indent=8 * " ", break_long_words=False, break_on_hyphens=False)
    return f"      - {wrapped}".rstrip() + "\n"


def read_versions(page: str) -> dict[str, str]:
    """Return the versions that the page has now; a package that is new to it has none."""
    found = dict(re.findall(r"^    \* - ([\w-]+) (\S+)$", page, re.MULTILINE))
    return {row.package: found.get(row.package, "(not recorded)") for rows in TRIED.values() for row in rows}


def record(passed: Collection[str]) -> None:
    """Write the page, with the versions of this environment for all that is tried by a file of `passed`."""
    versions = read_versions(PAGE.read_text("utf-8") if PAGE.exists() else "")
    for rows in TRIED.values():
        versions |= {row.package: version_of(row.package) for row in rows if row.test in passed}
    PAGE.write_text(render(versions), "utf-8")
