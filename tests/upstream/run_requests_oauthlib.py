"""Run requests-oauthlib's own tests of `OAuth2Session`, from its source distribution, against sessions with the fix.

``python tests/upstream/run_requests_oauthlib.py`` downloads the release that is installed, tells the outcome of each
test, and fails when it is not the one written down here. Not part of the test suite: it needs a package index.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import unittest
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import requests_oauthlib

from requests_zohorecruit import zohorecruit_compliance_fix

#: Tests that must not pass, because the fix is there to change what they ask for.
DIFFERENT = {
    "test_add_token": "the scheme is Zoho-oauthtoken, and only the region's hosts get it",
    "test_refresh_token_request": "refreshing goes through the engine: no TokenUpdated, no Basic, Zoho's endpoint only",
    "test_fetch_token": "id and secret go into the form, to Zoho's endpoint only, and Zoho's errors are ours",
    "test_cleans_previous_token_before_fetching_new_one": "another token endpoint than Zoho's is refused",
    "test_web_app_fetch_token": "another token endpoint than Zoho's is refused",
    "test_pkce_web_app_fetch_token": "another token endpoint than Zoho's is refused",
    "test_authorized_true": "it fetches from another token endpoint than Zoho's",
    "test_access_token_proxy": "it changes an attribute of the private client behind the session's back; the token is a dict",
    "test_token_proxy": "the same",
    "test_mtls": "a legacy (password) grant is not Zoho's",
}


def fixed(*arguments: object, **options: object) -> requests_oauthlib.OAuth2Session:
    """Make a session as the tests do, and apply the fix."""
    session = requests_oauthlib.OAuth2Session(*arguments, **options)
    if not session.client_id:
        session.client_id = "someclientid"
    return zohorecruit_compliance_fix(
        session, region="eu", client_secret="someclientsecret", allowed_hosts=["i.b", "provider.com"]
    )


def main() -> int:
    """Download, run, compare."""
    release = f"requests-oauthlib=={version('requests-oauthlib')}"
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary=:all:", "-d", directory]
        subprocess.run([*command, release], check=True)
        [archive] = Path(directory).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(directory, filter="data")
        [path] = Path(directory).glob("*/tests/test_oauth2_session.py")
        spec = spec_from_file_location("upstream", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    module.OAuth2Session = fixed
    wrong = 0
    for case in unittest.defaultTestLoader.loadTestsFromModule(module):
        for test in case:
            name = test.id().rpartition(".")[2]
            result = test.run() or unittest.TestResult()
            passed = result.wasSuccessful()
            wrong += passed == (name in DIFFERENT)
            print(f"{'passed' if passed else 'differs':8} {name:55} {DIFFERENT.get(name, '')}")
            if not passed and name not in DIFFERENT:
                print("\n".join(text for _, text in result.errors + result.failures))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
