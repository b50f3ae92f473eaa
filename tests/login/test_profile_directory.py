"""The directory of profiles: where it is, and what is said where a user has none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from requests_zohorecruit import ClientConfigurationError, FileStore, TokenStoreError, ZohoRecruitAuth
from requests_zohorecruit.login.profile_directory import find_home
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.stores import KeyringStore


class TestHome:
    def test_it_is_where_the_variable_says(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("ZOHORECRUIT_HOME", "~/zoho")
        assert find_home() == tmp_path / "zoho"

    @pytest.mark.parametrize("form", [" {}", "{}\n", "{}\r\n", "\ufeff{}"])
    def test_t86_blanks_around_it_are_not_its_value(self, monkeypatch, tmp_path, form):
        monkeypatch.setenv("ZOHORECRUIT_HOME", form.format(tmp_path))
        assert find_home() == tmp_path

    def test_t86_quotation_marks_around_it_are_named(self, monkeypatch, tmp_path):
        monkeypatch.setenv("ZOHORECRUIT_HOME", f'"{tmp_path}"')
        with pytest.raises(ClientConfigurationError, match="ZOHORECRUIT_HOME cannot be used: it has quotation marks"):
            find_home()

    def test_otherwise_among_the_users_configuration(self, monkeypatch, tmp_path):
        platformdirs = pytest.importorskip("platformdirs")
        monkeypatch.delenv("ZOHORECRUIT_HOME")
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert find_home() == platformdirs.user_config_path("requests-zohorecruit", appauthor=False)

    @pytest.fixture
    def homeless(self, monkeypatch):
        """A user without HOME and without an entry in the password database, as containers with any uid have it."""
        import pwd

        def getpwuid(uid):
            raise KeyError(f"getpwuid(): uid not found: {uid}")

        monkeypatch.setattr(pwd, "getpwuid", getpwuid)
        for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "ZOHORECRUIT_HOME"):
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.usefixtures("homeless")
    def test_without_a_home_directory_it_says_what_to_set(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        advice = (
            r"no home directory\. Set ZOHORECRUIT_HOME to the absolute path of a directory for profiles, or set HOME\."
        )
        for use in (ZohoRecruitAuth.from_profile, Profile, find_home):
            with pytest.raises(TokenStoreError, match=advice):
                use()
        monkeypatch.setenv("ZOHORECRUIT_HOME", "~/zoho")
        with pytest.raises(TokenStoreError, match=advice):
            find_home()
        monkeypatch.delenv("ZOHORECRUIT_HOME")
        monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: Path("~/.config/x"))  # an older version's
        with pytest.raises(TokenStoreError, match=advice):
            find_home()
        assert list(tmp_path.iterdir()) == []  # no directory that is called "~"

    @pytest.mark.usefixtures("homeless")
    def test_without_a_home_directory_stores_say_what_to_set(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(
            TokenStoreError, match=r"no home directory\. Set HOME, or give an absolute path instead of ~/token\.json"
        ):
            FileStore("~/token.json")
        with (
            pytest.raises(
                TokenStoreError, match=r"no home directory\. Set HOME or XDG_STATE_HOME to the absolute path"
            ),
            KeyringStore("service", "name").lock(0),
        ):
            pass
        assert FileStore("token.json").path == tmp_path / "token.json"
        assert list(tmp_path.iterdir()) == []

    def test_without_platformdirs_it_says_what_to_install(self, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_HOME")
        monkeypatch.setitem(sys.modules, "platformdirs", None)
        with pytest.raises(TokenStoreError, match=r"requests-zohorecruit\[cli\]"):
            find_home()
