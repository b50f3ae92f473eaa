"""The search for secrets in what recipes leave behind finds each kind of them, wherever it is."""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing

import pytest
from helpers.leftovers import search

from requests_zohorecruit.sandbox import Sandbox


@pytest.fixture(scope="module")
def zoho():
    with Sandbox() as zoho:
        yield zoho


@pytest.fixture(params=["access token", "refresh token", "client secret"])
def secret(request, zoho):
    grant = zoho.new_grant("ZohoRecruit.modules.ALL")
    form = {"grant_type": "refresh_token", "client_id": zoho.client_id, "client_secret": zoho.client_secret}
    with zoho.session() as session:
        answer = session.post(zoho.region.token_url, data=form | {"refresh_token": grant}, timeout=30).json()
    return {
        "access token": answer["access_token"],
        "refresh token": grant,
        "client secret": zoho.client_secret,
    }[request.param]


@pytest.mark.parametrize("write", [json.dumps, pickle.dumps, str.encode], ids=["JSON", "a pickle", "text"])
def test_a_secret_in_a_file_is_found(tmp_path, secret, write):
    written = write(f"headers: {secret}; and more")
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "deep/er/cassette").write_bytes(written.encode() if isinstance(written, str) else written)
    assert search(tmp_path, stores=["zoho.json"]) == (1, ["deep/er/cassette"])


def test_one_in_a_database_is_found(tmp_path, secret):
    with closing(sqlite3.connect(tmp_path / "cache.sqlite")) as database, database:
        database.execute("CREATE TABLE kept (value BLOB)")
        database.execute("INSERT INTO kept VALUES (?)", [pickle.dumps({"Authorization": secret})])
    assert search(tmp_path, stores=[]).leaks == ["cache.sqlite"]


def test_one_in_a_log_is_found_and_one_in_a_store_is_where_it_belongs(tmp_path, secret):
    (tmp_path / "zoho.json").write_text(json.dumps({"refresh_token": secret}), "utf-8")
    assert search(tmp_path, ["nothing", f"token={secret}&"], stores=["zoho.*"]) == (2, ["text 1"])


def test_client_ids_and_digests_are_not_taken_for_secrets(tmp_path, zoho):
    assert search(tmp_path, [zoho.client_id, "a" * 40, "b" * 64, "<secret #0123abcd>"], stores=[]) == (4, [])
