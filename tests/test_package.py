"""What `import requests_zohorecruit` gives, and what it costs."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipapp
from importlib import metadata
from pathlib import Path

import pytest

import requests_zohorecruit

CONTRACT = {
    "ZohoRecruitAuth",
    "zohorecruit_compliance_fix",
    "Region",
    "Token",
    "TokenStore",
    "MemoryStore",
    "FileStore",
    "CallbackStore",
    "ZohoAuthError",
    "TokenEndpointError",
    "ThrottledError",
    "AuthorizationError",
    "ReauthorizationRequired",
    "ClientConfigurationError",
    "TokenStoreError",
    "UntrustedHostError",
    "UnknownRegionError",
    "__version__",
}
HEAVY = ["oauthlib", "requests_oauthlib", "filelock", "click", "werkzeug", "redis", "sqlalchemy", "keyring"]


def fresh(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_names_of_the_contract_are_exported_and_nothing_else():
    assert set(requests_zohorecruit.__all__) == CONTRACT
    assert len(requests_zohorecruit.__all__) == len(CONTRACT)
    assert CONTRACT <= set(dir(requests_zohorecruit))


@pytest.mark.parametrize("name", sorted(CONTRACT))
@pytest.mark.thorough(one_in=6)
def test_each_name_of_the_contract_can_be_imported_first(name):
    code = f"from requests_zohorecruit import {name}; print(getattr({name}, '__name__', {name}))"
    expected = metadata.version("requests-zohorecruit") if name == "__version__" else name
    assert fresh(code) == [expected]


def test_a_star_import_gives_the_same():
    code = "names = {}; exec('from requests_zohorecruit import *', names); print(*names)"
    assert set(fresh(code)) - {"__builtins__"} == CONTRACT


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'requests_zohorecruit' has no attribute 'Tokens'"):
        requests_zohorecruit.Tokens  # noqa: B018


def test_the_version_is_the_installed_one():
    assert requests_zohorecruit.__version__ == metadata.version("requests-zohorecruit")


def test_a_zip_application_needs_no_metadata(tmp_path):
    requirements = (
        "requests",
        "urllib3",
        "idna",
        "certifi",
        "charset_normalizer",
        "oauthlib",
        "requests_oauthlib",
        "filelock",
    )
    for name in ("requests_zohorecruit", *requirements):
        home = Path(importlib.util.find_spec(name).origin).parent
        shutil.copytree(home, tmp_path / "app" / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    (tmp_path / "app/__main__.py").write_text("""
import time
import requests
from requests_zohorecruit import *
print(__version__, ThrottledError.__module__)
store = MemoryStore()
store.save({"access_token": "a", "expires_at": time.time() + 3600})
auth = ZohoRecruitAuth("1000.C", "s", region="recruit.zoho.eu", store=store)
print(auth(requests.Request("GET", auth.region.recruit_url).prepare()).headers["Authorization"])
""")
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz")
    # -S: what is installed here is not found.
    command = [sys.executable, "-I", "-S", tmp_path / "app.pyz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.stderr == ""
    version = metadata.version("requests-zohorecruit")
    assert done.stdout.split() == [version, "requests_zohorecruit.errors", "Zoho-oauthtoken", "a"]


@pytest.mark.parametrize("module", ["requests_zohorecruit", "requests_zohorecruit.stores"])
def test_importing_loads_nothing_that_is_not_needed_yet(module):
    assert fresh(f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))") == []


def test_signing_a_request_with_a_token_in_memory_loads_nothing_more_either():
    code = f"""
import sys, time, requests
from requests_zohorecruit import MemoryStore, ZohoRecruitAuth
store = MemoryStore()
store.save({{"access_token": "a", "expires_at": time.time() + 3600}})
auth = ZohoRecruitAuth("1000.C", "s", region="eu", store=store)
print(auth(requests.Request("GET", "https://recruit.zoho.eu/").prepare()).headers["Authorization"])
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    assert fresh(code) == ["Zoho-oauthtoken", "a"]


@pytest.mark.parametrize(
    "name", ["TokenStore", "MemoryStore", "FileStore", "CallbackStore", "RedisStore", "SQLStore", "KeyringStore"]
)
def test_the_stores_module_gives_every_store(name):
    from requests_zohorecruit import stores

    assert name in stores.__all__
    assert getattr(stores, name).__name__ == name
