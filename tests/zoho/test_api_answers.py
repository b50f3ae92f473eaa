"""What a 401 of the Recruit API says: which of them means that the access token is bad."""

from __future__ import annotations

import json

import pytest

from requests_zohorecruit.zoho.api_answers import is_rejection


@pytest.mark.parametrize(
    ("body", "rejection"),
    [
        ({"code": "AUTHENTICATION_FAILURE", "message": "Authentication failed", "status": "error"}, True),
        ({"code": "INVALID_TOKEN", "message": "invalid oauth token", "status": "error"}, True),
        ({"code": "INVALID_TOKEN", "details": {}, "message": "invalid oauth token", "status": "error"}, True),
        ({"code": "INVALID_OAUTHTOKEN"}, True),
        ({"error": {"code": "INVALID_TOKEN"}}, True),
        ({"error": {"code": "INVALID_OAUTHTOKEN", "message": "x"}}, True),
        ({"error": "INVALID_TOKEN"}, True),
        (
            {
                "code": "OAUTH_SCOPE_MISMATCH",
                "details": {},
                "message": "invalid oauth scope to access this URL",
                "status": "error",
            },
            False,
        ),
        ({"error": {"code": "OAUTH_SCOPE_MISMATCH"}}, False),
        ({"error": "OAUTH_SCOPE_MISMATCH"}, False),
        ({"code": "OAUTH_SCOPE_MISMATCH", "error": {"code": "INVALID_TOKEN"}}, False),
        ({"code": "NO_PERMISSION"}, False),
        ({"code": "AUTHORIZATION_FAILED"}, False),
        ({"code": "invalid_token"}, False),
        ({"code": "INVALID_TOKEN_X"}, False),
        ({"code": 401}, True),
        ({"code": ["OAUTH_SCOPE_MISMATCH"]}, True),
        ({"code": {}}, True),
        ({"error": None}, True),
        ({"error": []}, True),
        ({}, True),
        ([], True),
        ("INVALID_TOKEN", True),
        (None, True),
    ],
)
def test_T22_a_rejection_is_told_from_a_missing_scope_or_permission(body, rejection):
    assert is_rejection(json.dumps(body).encode()) is rejection
    assert is_rejection(b"\xef\xbb\xbf" + json.dumps(body).encode()) is rejection


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"{",
        b"OAUTH_SCOPE_MISMATCH",
        b"[" * 100_000,
        b'{"code":"INVALID_TOKEN"',
        b"<response><error><code>4834</code></error></response>",
    ],
)
def test_an_unreadable_401_counts_as_a_rejection(body):
    assert is_rejection(body) is True
