"""Profiles, and the doors to them and to the environment: where a grant is found without naming it in the program."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import keyring
import pytest
from helpers.engine_parts import in_threads
from helpers.memory_keyring import safe_in_use

from requests_zohorecruit import (
    FileStore,
    ReauthorizationRequired,
    Region,
    TokenStoreError,
    UnknownRegionError,
    ZohoRecruitAuth,
)
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.token import Token

SECRET = "planted-client-secret"
GRANT = "1000.planted.grant"


def application(client_id="1000.CLIENT", secret=SECRET, region="eu"):
    return Application.create(client_id, secret, region)


def token(grant=GRANT):
    return Token("1000.planted.access", grant, 2e9)


def modes(directory):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(directory).rglob("*")}


class TestProfile:
    def test_what_was_saved_is_what_a_program_gets(self):
        profile = Profile()
        assert not profile.exists()
        profile.save(application(), token(), now=1.0)
        saved = Profile("default").load()
        assert (saved.application, saved.in_keyring) == (application(), False)
        record = saved.store.load()
        assert (record["refresh_token"], record["mint_times"], record["client_id"]) == (GRANT, [1.0], "1000.CLIENT")

    def test_application_and_grant_have_files_of_their_own(self, home):
        Profile("work").save(application(), token(), now=1.0)
        of_application, of_grant = (home / "work" / name for name in ("application.json", "token.json"))
        assert json.loads(of_application.read_text()) == {
            "client_id": "1000.CLIENT",
            "client_secret": SECRET,
            "region": "eu",
        }
        assert SECRET not in of_grant.read_text()
        assert GRANT not in of_application.read_text()

    def test_a_custom_region_is_kept_whole(self):
        region = Region(
            "mars", "https://accounts.zoho.example", "https://recruit.zoho.example", api_domain="https://api.x"
        )
        Profile().save(application(region=region), token(), now=1.0)
        assert Profile().load().application.region == region

    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
    def test_T51_only_the_user_can_read_it_whatever_the_umask(self, home, umask):
        program = (
            f"import os; os.umask({umask})\n"
            "from requests_zohorecruit.zoho.token_endpoint import Application\n"
            "from requests_zohorecruit.login.profiles import Profile\n"
            "from requests_zohorecruit.zoho.token import Token\n"
            "who = Application.create('1000.X', 's', 'eu')\n"
            "Profile('work').save(who, Token('1000.a.b', '1000.c.d', 2e9), now=1.0)\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
        assert modes(home.parent) == {
            "home": 0o700,
            "work": 0o700,
            "application.json": 0o600,
            "application.json.lock": 0o600,
            "token.json": 0o600,
            "token.json.lock": 0o600,
        }

    def test_a_profile_that_is_not_there_says_how_to_make_it(self, home):
        with pytest.raises(ReauthorizationRequired) as caught:
            Profile("work").load()
        assert str(caught.value) == f"There is no profile named work in {home}. Run `zohorecruit login --profile work`."
        with pytest.raises(ReauthorizationRequired, match="Run `zohorecruit login`"):
            Profile().load()
        assert not home.exists()

    @pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "ä", "a" * 65, None, "a\n"])
    def test_a_name_that_could_lead_elsewhere_is_refused(self, name):
        with pytest.raises(ValueError, match="profile name"):
            Profile(name)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            {"client_id": "1000.X", "region": "eu"},
            {"client_id": "", "client_secret": SECRET, "region": "eu"},
            {"client_id": "1000.X", "client_secret": f"{SECRET} x", "region": "eu"},
            {"client_id": "1000.X", "client_secret": 7, "region": "eu"},
            {"client_id": "1000.X", "client_secret": SECRET, "region": 7},
            {"client_id": "1000.X", "client_secret": SECRET, "region": "mars", "accounts_url": "https://a.b"},
        ],
    )
    def test_T60_a_damaged_profile_is_an_error_that_shows_nothing_of_it(self, home, content):
        FileStore(home / "default/application.json").save(content)
        with pytest.raises(TokenStoreError, match="Profile default is damaged") as caught:
            Profile().load()
        assert SECRET not in str(caught.value)

    def test_files_that_an_editor_has_put_a_byte_order_mark_in_are_read(self, home):
        Profile().save(application(), token(), now=1.0)
        for name in ("application.json", "token.json"):
            path = home / "default" / name
            path.write_text(path.read_text("utf-8"), "utf-8-sig")
        saved = Profile().load()
        assert saved.application == application()
        assert saved.store.load()["refresh_token"] == GRANT
        Profile().save(application(), token("1000.next.grant"), now=2.0)
        assert b"\xef\xbb\xbf" not in (home / "default/token.json").read_bytes()

    def test_a_region_nobody_knows_any_more_is_named(self, home):
        content = {"client_id": "1000.X", "client_secret": SECRET, "region": "mars"}
        FileStore(home / "default/application.json").save(content)
        with pytest.raises(UnknownRegionError, match="mars"):
            Profile().load()

    @pytest.mark.parametrize("url", ["accounts_url", "recruit_url", "upload_url", "api_domain"])
    @pytest.mark.parametrize("in_keyring", [False, True])
    def test_t90_a_known_region_with_other_urls_is_refused_and_a_login_repairs_it(self, home, url, in_keyring):
        region = Region.lookup("eu")
        urls = {each: getattr(region, each) for each in ("accounts_url", "recruit_url", "upload_url", "api_domain")}
        content = {"client_id": "1000.X", "client_secret": SECRET, "region": "eu", **urls, url: "https://evil.example"}
        FileStore(home / "default/application.json").save({**content, "keyring": in_keyring})
        with safe_in_use() if in_keyring else nullcontext():
            with pytest.raises(TokenStoreError) as caught:
                ZohoRecruitAuth.from_profile()
            assert str(caught.value) == (
                "Profile default cannot be used: 'eu' is the name of Zoho's region eu, which has other addresses than "
                f"this one. Find out what changed {home / 'default/application.json'}; then run `zohorecruit login` again."
            )
            Profile().save(application(), token(), now=1.0)
            assert Profile().load().application.region is region

    def test_t90_a_profile_with_an_address_that_is_not_https_is_refused_by_its_name(self, home):
        urls = {"accounts_url": "http://a.b", "recruit_url": "https://r.b", "upload_url": "", "api_domain": ""}
        content = {"client_id": "1000.X", "client_secret": SECRET, "region": "mars", **urls}
        FileStore(home / "default/application.json").save(content)
        with pytest.raises(TokenStoreError, match="Profile default cannot be used: accounts_url of region 'mars' must"):
            Profile().load()

    def test_a_login_of_another_client_replaces_all_of_the_former(self, stored):
        Profile().save(application(), token(), now=1.0)
        Profile().save(application("1000.OTHER", "other-secret", "us"), token("1000.other.grant"), now=2.0)
        assert SECRET not in stored()
        assert GRANT not in stored()
        saved = Profile().load()
        assert ZohoRecruitAuth(**saved.arguments()).region.code == "us"
        assert saved.store.load()["refresh_token"] == "1000.other.grant"

    def test_logins_at_once_leave_one_of_them_whole(self):
        def login(index):
            who = application(f"1000.C{index}", f"secret-{index}", "eu")
            Profile().save(who, token(f"1000.grant.{index}"), now=float(index))

        assert in_threads(8, login) == [None] * 8
        saved = Profile().load()
        index = saved.application.client_id.removeprefix("1000.C")
        assert saved.application.client_secret == f"secret-{index}"
        assert saved.store.load()["refresh_token"] == f"1000.grant.{index}"
        assert saved.store.load()["client_id"] == saved.application.client_id

    def test_a_profile_somebody_else_is_saving_is_waited_for_but_not_for_ever(self, home, monkeypatch):
        monkeypatch.setattr("requests_zohorecruit.login.profiles._LOCK_TIMEOUT", 0.0)
        with (
            FileStore(home / "default/application.json").lock(0),
            pytest.raises(TokenStoreError, match="is locked by process"),
        ):
            Profile().save(application(), token(), now=1.0)

    def test_what_cannot_be_saved_is_found_out_before_anybody_is_asked(self, home):
        home.parent.mkdir(exist_ok=True)
        home.write_text("a file, where the directory should be")
        with pytest.raises(TokenStoreError):
            Profile().check()

    def test_a_directory_nobody_can_write_in_is_named(self, monkeypatch):
        monkeypatch.setenv("ZOHORECRUIT_HOME", "/proc/self")
        with pytest.raises(TokenStoreError, match=r"cannot write to /proc/self .*ZOHORECRUIT_HOME"):
            Profile().check()

    def test_finding_out_leaves_no_trace(self, home):
        home.parent.mkdir(exist_ok=True)
        before = set(home.parent.iterdir())
        Profile().check()
        assert set(home.parent.iterdir()) == before

    def test_T51_a_directory_that_others_could_enter_is_closed_to_them(self, home):
        (home / "default").mkdir(parents=True, mode=0o755)
        Profile().save(application(), token(), now=1.0)
        assert modes(home)["default"] == 0o700

    def test_a_file_that_is_no_record_is_found_out_too(self, home):
        (home / "default").mkdir(parents=True)
        (home / "default/token.json").write_text("my notes")
        with pytest.raises(TokenStoreError, match="not a token record"):
            Profile().check()
        assert (home / "default/token.json").read_text() == "my notes"


class TestKeyring:
    @pytest.fixture(autouse=True)
    def entries(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        with safe_in_use() as safe:
            yield safe.entries

    def test_secrets_are_in_the_keyring_and_in_no_file(self, entries, stored):
        profile = Profile("work")
        profile.check(in_keyring=True)
        profile.save(application(), token(), now=1.0, in_keyring=True)
        assert profile.in_keyring()
        for secret in (SECRET, GRANT, "planted.access"):
            assert secret not in stored()
            assert secret in str(entries)
        saved = Profile("work").load()
        assert (saved.application, saved.in_keyring) == (application(), True)
        assert saved.store.load()["refresh_token"] == GRANT

    def test_moving_there_and_back_leaves_nothing_behind(self, entries, stored):
        profile = Profile()
        profile.save(application(), token(), now=1.0)
        profile.save(application(), token(), now=1.0, in_keyring=True)
        assert SECRET not in stored()
        assert GRANT not in stored()
        profile.save(application(), token(), now=1.0)
        assert SECRET not in str(entries)
        assert GRANT not in str(entries)
        assert Profile().load().store.load()["refresh_token"] == GRANT

    def test_T14_a_keyring_that_fails_costs_nothing(self, monkeypatch):
        Profile().save(application(), token(), now=1.0)

        def fail(*_):
            raise RuntimeError("planted")

        monkeypatch.setattr(type(keyring.get_keyring()), "set_password", fail)
        with pytest.raises(TokenStoreError):
            Profile().save(application(), token("1000.new.grant"), now=2.0, in_keyring=True)
        saved = Profile().load()
        assert (saved.in_keyring, saved.store.load()["refresh_token"]) == (False, GRANT)

    def test_an_entry_that_is_gone_is_a_damaged_profile(self, entries):
        Profile().save(application(), token(), now=1.0, in_keyring=True)
        entries.clear()
        with pytest.raises(TokenStoreError, match="damaged"):
            Profile().load()

    def test_without_the_package_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "keyring", None)
        monkeypatch.delitem(sys.modules, "requests_zohorecruit.stores.keyring", raising=False)
        with pytest.raises(TokenStoreError, match=r"requests-zohorecruit\[keyring\]"):
            Profile().check(in_keyring=True)


class TestDoors:
    def test_from_profile_uses_what_login_saved(self, zoho, granted):
        granted("work")
        auth = ZohoRecruitAuth.from_profile("work", allowed_hosts=["other.example"])
        assert auth.region == zoho.region
        auth.refresh()
        assert zoho.token_requests == 1

    def test_from_profile_takes_default_when_none_is_named(self, granted, zoho):
        granted()
        assert ZohoRecruitAuth.from_profile().region == zoho.region

    def test_from_env_works_in_a_container(self, zoho, client, monkeypatch):
        monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", zoho.refresh_token)
        assert ZohoRecruitAuth.from_env().refresh().expires_in == 3600
        assert zoho.token_requests == 1

    def test_from_env_shares_the_grant_through_a_store(self, zoho, client, tmp_path):
        FileStore(tmp_path / "token.json").save({"refresh_token": zoho.refresh_token})
        auth = ZohoRecruitAuth.from_env(store=FileStore(tmp_path / "token.json"))
        assert auth.refresh().refresh_token == zoho.refresh_token
