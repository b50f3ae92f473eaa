"""`profiles`: what there is, which one commands use, and other names."""

from __future__ import annotations

import json
import os
import time

import pytest
from helpers.memory_keyring import safe_in_use
from helpers.terminals import run_on_terminal, strip_styles

from requests_zohorecruit import FileStore, TokenStoreError, ZohoRecruitAuth
from requests_zohorecruit.login.profiles import Profile
from requests_zohorecruit.zoho.application import Application
from requests_zohorecruit.zoho.grants import ClientCredentials
from requests_zohorecruit.zoho.token import Token


def save(name="default", *, credentials=None, grant="1000.planted.grant", expires_at=0.0, **options):
    application = Application.create("1000.CLIENTCLIENTCLIENTCLIENTCLIENT", "planted-secret", "eu")
    token = Token("1000.planted.access", grant, expires_at)
    Profile(name).save(application, token, now=time.time(), credentials=credentials, **options)
    return Profile(name)


class TestList:
    def test_of_none_says_how_to_make_one(self, run):
        assert run("profiles").stdout == "There are no profiles. Run `zohorecruit login` to create one.\n"
        assert json.loads(run("profiles", "--json").stdout) == []

    @pytest.mark.parametrize("option", [[], ["--json"]])
    def test_list_is_the_same(self, run, option):
        for _ in range(2):
            assert run("profiles", "list", *option).stdout == run("profiles", *option).stdout
            save("work")
        assert run("profiles", "--json", "list").stdout == run("profiles", "--json").stdout

    def test_as_json_it_is_for_programs(self, run):
        save("work", expires_at=time.time() + 600)
        save(credentials=ClientCredentials.create("ZohoRecruit.1", "ZohoRecruit.modules.ALL"), grant=None)
        result = run("profiles", "--json")
        first, second = json.loads(result.stdout)
        assert (first["profile"], first["default"], first["grant_kind"]) == ("default", True, "client credentials")
        assert 0 < second.pop("expires_in") <= 600
        assert second.pop("grant").startswith("#")
        assert second == {
            "profile": "work",
            "client_id": "1000.CLIENTCLIENTCLIENTCLIENTCLIENT",
            "region": "eu",
            "grant_kind": "refresh token",
            "keyring": False,
            "problem": None,
            "default": False,
        }
        assert "planted" not in result.output

    def test_in_a_pipe_it_is_a_table(self, run, monkeypatch):
        monkeypatch.delenv("COLUMNS", raising=False)
        save("work", expires_at=time.time() + 600)
        save()
        empty = save("empty")
        empty.store(in_keyring=False).save({})
        assert [line.split() for line in run("profiles").stdout.splitlines()] == [
            ["Profile", "Region", "Client", "ID", "Grant"],
            ["*", "default", "eu", "1000.CLIENTCLIENTCLIENTCLIENTCLIENT", "saved"],
            ["empty", "eu", "1000.CLIENTCLIENTCLIENTCLIENTCLIENT", "none"],
            ["work", "eu", "1000.CLIENTCLIENTCLIENTCLIENTCLIENT", "saved,", "token", "for", "10", "min"],
        ]

    def test_a_line_says_which_one_commands_use_if_no_star_does(self, run):
        save("work")
        told = "Commands use profile default, which does not exist. Run `zohorecruit login` to create it."
        assert run("profiles").stdout.splitlines()[-1] == told
        run("profiles", "default", "work")
        assert run("profiles").stdout.splitlines()[-1].startswith("* work")

    def test_a_line_says_so_if_the_environment_chooses_another(self, run, monkeypatch):
        for name in ("default", "work"):
            save(name)
        monkeypatch.setenv("ZOHORECRUIT_PROFILE", "work")
        lines = run("profiles").stdout.splitlines()
        assert (lines[1][0], lines[-1]) == ("*", "Commands use profile work (ZOHORECRUIT_PROFILE).")
        monkeypatch.setenv("ZOHORECRUIT_PROFILE", "other\x1b[2J")
        told = run("profiles").stdout.splitlines()[-1]
        assert told == (
            "Commands use profile other\\u001b[2J (ZOHORECRUIT_PROFILE), which does not exist. Run `zohorecruit login` "
            "to create it."
        )
        for same in ("default", ""):
            monkeypatch.setenv("ZOHORECRUIT_PROFILE", same)
            assert run("profiles").stdout.splitlines()[-1].startswith("  work")

    @pytest.mark.parametrize("columns", [60, 80, 120])
    def test_on_a_terminal_no_word_is_broken(self, columns):
        save("a-profile-for-work", expires_at=time.time() + 600)
        code, screen = run_on_terminal("profiles", columns=columns)
        lines = strip_styles(screen).splitlines()
        assert (code, " ".join(lines[2:]).startswith("Commands use profile default")) == (0, True)
        assert lines[1].split()[0] == "a-profile-for-work"
        assert "saved, token for 10 min" in lines[1]
        assert max(map(len, lines)) <= columns

    def test_what_cannot_be_read_is_listed_and_nothing_of_it_is_obeyed(self, run, home):
        save("fine")
        (save("damaged").directory / "application.json").write_text('{"client_id": "planted')
        odd = save("odd")
        file = FileStore(odd.directory / "application.json")
        file.save({**file.load(), "client_id": "1000.[bold]\x1b[2J"})
        store = odd.store(in_keyring=False)
        store.save({**store.load(), "client_id": "another"})
        (home / "-no-name").mkdir()
        (home / "-no-name" / "application.json").write_text("{}")
        result = run("profiles")
        assert result.exit_code == 0
        assert [line.split()[0] for line in result.stdout.splitlines()[1:-1]] == ["damaged", "fine", "odd"]
        assert ("\x1b" in result.stdout, result.stdout.count("problem: run `zohorecruit status --profile ")) == (
            False,
            2,
        )
        assert [each["problem"] is None for each in json.loads(run("profiles", "--json").stdout)] == [
            False,
            True,
            False,
        ]
        assert "planted" not in result.output

    def test_a_dead_grant_needs_a_look(self, run, granted):
        granted(refresh_token="1000.dead.grant")
        assert run("get", "Candidates").exit_code == 3
        assert "problem: run `zohorecruit status --profile default`" in run("profiles").stdout


class TestDefault:
    def test_it_is_default_until_another_is_chosen(self, run, granted):
        granted("work")
        assert run("profiles", "default").stdout == "default\n"
        assert "Profile work is now the default" in run("profiles", "default", "work").stdout
        assert run("profiles", "default").stdout == "work\n"
        assert json.loads(run("status", "--json").stdout)["profile"] == "work"
        assert json.loads(run("profiles", "--json").stdout)[0]["default"]

    def test_the_option_and_the_environment_come_first(self, run, granted, monkeypatch):
        for name in ("a", "b", "c"):
            granted(name)
        run("profiles", "default", "a")
        assert json.loads(run("status", "--json", "--profile", "b").stdout)["profile"] == "b"
        monkeypatch.setenv("ZOHORECRUIT_PROFILE", "c")
        assert json.loads(run("status", "--json").stdout)["profile"] == "c"

    def test_hints_name_the_profile_that_is_meant(self, run, granted):
        granted("work")
        run("profiles", "default", "work")
        assert Profile("work").login_command == "zohorecruit login"
        assert Profile("default").login_command == "zohorecruit login --profile default"

    def test_programs_name_theirs(self, run, granted):
        granted("work")
        run("profiles", "default", "work")
        with pytest.raises(Exception, match="no profile named default"):
            ZohoRecruitAuth.from_profile()

    def test_it_is_default_again_after_a_logout_of_the_chosen_one(self, run, granted):
        for name in ("a", "b"):
            granted(name)
        run("profiles", "default", "b")
        assert "default of commands" not in run("logout", "--profile", "a", "--yes").stdout
        assert run("profiles", "default").stdout == "b\n"
        said = run("logout", "--yes").stdout.splitlines()
        assert said[1:] == ["It was the default of commands, which is profile default again."]
        assert run("profiles", "default").stdout == "default\n"
        run("profiles", "default", "default")
        assert run("logout", "--yes").stdout == "There is no profile named default. Nothing was changed.\n"

    def test_default_can_be_chosen_before_there_is_a_profile_of_that_name(self, run, granted, monkeypatch):
        granted("work")
        run("profiles", "default", "work")
        assert run("profiles", "default", "default").stdout.splitlines() == [
            "Profile default is now the default of commands.",
            "Commands use profile default, which does not exist. Run `zohorecruit login` to create it.",
        ]
        monkeypatch.setenv("ZOHORECRUIT_PROFILE", "default")
        said = run("profiles", "default", "work").stdout.splitlines()
        assert said[1].startswith("Commands use profile default (ZOHORECRUIT_PROFILE), which does not exist.")

    @pytest.mark.parametrize(("name", "told"), [("other", "There are: work."), ("../x", "letters, digits")])
    def test_one_that_is_not_there_is_refused(self, run, granted, name, told):
        granted("work")
        result = run("profiles", "default", name)
        assert (result.exit_code, told in result.stderr) == (2, True)
        assert run("profiles", "default").stdout == "default\n"

    def test_a_damaged_choice_is_an_error_and_not_another_grant(self, run, granted, home):
        granted()
        (home / ".default.json").write_text("{")
        result = run("status")
        assert (result.exit_code, f"{home}/.default.json does not name a profile." in result.stderr) == (7, True)
        assert result.stderr.splitlines()[-1] == "Run `zohorecruit profiles default NAME` to choose the default again."
        assert run("logout", "--profile", "other").exit_code == 0
        assert run("status", "--profile", "default").exit_code == 0
        assert Profile().login_command == "zohorecruit login --profile default"
        (home / ".default.json").write_text('{"profile": "../../x"}')
        assert run("status").exit_code == 2
        (home / ".default.json").write_text("{")
        assert run("logout", "--profile", "default", "--yes").exit_code == 0
        granted("work")
        assert run("profiles", "default", "work").exit_code == 0
        assert run("profiles", "default").stdout == "work\n"


class TestRename:
    def test_client_and_grant_go_along(self, run, granted, zoho, home):
        granted()
        told = run("profiles", "rename", "default", "work").stdout
        assert told == "Profile default is now named work, and is still the default.\n"
        assert run("get", "Candidates", "--profile", "work").exit_code == 0
        assert not Profile().exists()
        old = [path.read_text() for path in (home / "default").iterdir()]
        assert not any(secret in text for text in old for secret in (zoho.client_secret, zoho.refresh_token))
        assert oct((home / "work").stat().st_mode & 0o777) == "0o700"

    def test_the_name_that_became_free_can_be_used_again(self, run, granted):
        granted()
        run("profiles", "rename", "default", "work")
        granted()
        assert len(json.loads(run("profiles", "--json").stdout)) == 2
        run("logout", "--yes", "--profile", "default")
        assert run("profiles", "rename", "work", "default").exit_code == 0
        assert run("status").exit_code == 0

    def test_the_default_stays_the_default(self, run, granted):
        granted("a")
        granted("b")
        run("profiles", "default", "a")
        assert run("profiles", "rename", "b", "c").stdout == "Profile b is now named c.\n"
        assert run("profiles", "default").stdout == "a\n"
        run("profiles", "rename", "a", "d")
        assert run("profiles", "default").stdout == "d\n"

    def test_another_profile_is_never_replaced(self, run, granted):
        granted("a")
        before = granted("b").load().store.load()
        result = run("profiles", "rename", "a", "b")
        assert (result.exit_code, "A profile named b already exists" in result.stderr) == (7, True)
        assert (Profile("a").exists(), Profile("b").load().store.load()) == (True, before)

    @pytest.mark.parametrize("names", [("missing", "b"), ("a", "../b"), ("..", "b")])
    def test_names_that_cannot_be(self, run, granted, names, home):
        granted("a")
        assert run("profiles", "rename", *names).exit_code == 2
        assert sorted(path.name for path in home.iterdir()) == ["a"]

    def test_the_keyring_too(self, run, granted, zoho, monkeypatch):
        monkeypatch.setenv("XDG_STATE_HOME", os.environ["ZOHORECRUIT_HOME"] + "-state")
        with safe_in_use() as safe:
            granted("a", in_keyring=True)
            assert run("profiles", "rename", "a", "b").exit_code == 0
            assert run("get", "Candidates", "--profile", "b").exit_code == 0
            held = {name: text for (_, name), text in safe.entries.items()}
        assert (held["a"], held["a (application)"]) == ("{}", "{}")
        assert zoho.client_secret in held["b (application)"]

    def test_a_failure_on_the_way_loses_nothing(self, granted, monkeypatch, run):
        profile = granted("a")
        before = profile.load().store.load()
        save_file = FileStore.save

        def fail(self, record):
            if self.path.name == "application.json":
                raise TokenStoreError("The disk is full.")
            save_file(self, record)

        with monkeypatch.context() as patch:
            patch.setattr(FileStore, "save", fail)
            assert run("profiles", "rename", "a", "b").exit_code == 7
        assert Profile("a").load().store.load() == before
