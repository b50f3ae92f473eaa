"""The examples in docstrings are run, too: the reference shows them."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest
import requests
import responses

import requests_zohorecruit
from requests_zohorecruit import MemoryStore, Region, TokenStore, ZohoRecruitAuth
from requests_zohorecruit.testing import TokenStoreContract, mock_zoho

PACKAGE = Path(requests_zohorecruit.__file__).parent


def examples():
    """Return the Python in docstrings: (module and name, text)."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(module):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                text = inspect.cleandoc(ast.get_docstring(node) or "") + "\n"
                where = path.relative_to(PACKAGE).with_suffix("").as_posix() + f" {getattr(node, 'name', '')}".rstrip()
                blocks = re.findall(r"::\n\n((?: {4}[^\n]*\n|\n)+)", text)
                found += [(where, textwrap.dedent(block)) for block in blocks if "└" not in block]
    return dict(found)


@pytest.fixture
def grant(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with responses.RequestsMock() as mock:
        zoho = mock_zoho(mock)
        yield {"client_id": zoho.client_id, "client_secret": zoho.client_secret, "token": zoho.refresh_token}


def test_there_are_no_others():
    assert sorted(examples()) == ["__init__", "sandbox/__init__", "testing TokenStoreContract", "zoho/regions Region"]


def test_that_of_the_package_calls_the_api(grant):
    exec(examples()["__init__"], grant)
    assert Path("token.json").exists()


def test_that_of_a_region_makes_one():
    assert isinstance(eval(examples()["zoho/regions Region"], {"Region": Region}), Region)


def test_that_of_the_sandbox_calls_it():
    names = {"requests": requests, "ZohoRecruitAuth": ZohoRecruitAuth}
    exec(examples()["sandbox/__init__"], names)
    assert len(names["candidates"].json()["data"]) == 12


def test_that_of_the_contract_is_a_test_class():
    names = {"TokenStoreContract": TokenStoreContract, "TokenStore": TokenStore, "MyStore": lambda _: MemoryStore()}
    exec(examples()["testing TokenStoreContract"], names)
    assert isinstance(names["TestMyStore"]().make_store("key"), TokenStore)
