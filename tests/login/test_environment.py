"""The environment's variables: what they may hold, and errors that name the one that is wrong."""

from __future__ import annotations

import json
import os

import pytest
from helpers.planted_secrets import raising

from requests_zohorecruit import ClientConfigurationError, Region, UnknownRegionError, ZohoRecruitAuth
from requests_zohorecruit.login.environment import environment_arguments, make_custom_region, read_variable

SECRET = "planted-client-secret"
GRANT = "1000.planted.grant"
NAMES = ["CLIENT_ID", "CLIENT_SECRET", "REGION", "REFRESH_TOKEN"]


class TestEnvironment:
    @pytest.fixture(autouse=True)
    def complete(self, monkeypatch):
        values = {"CLIENT_ID": "1000.CLIENT", "CLIENT_SECRET": SECRET, "REGION": "eu", "REFRESH_TOKEN": GRANT}
        for name, value in values.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)

    def test_it_holds_the_arguments(self):
        assert environment_arguments() == {
            "client_id": "1000.CLIENT",
            "client_secret": SECRET,
            "region": Region.lookup("eu"),
            "refresh_token": GRANT,
        }

    def test_T60_secrets_do_not_show_in_a_traceback_with_locals(self):
        assert SECRET not in repr(environment_arguments())
        assert GRANT not in repr(environment_arguments())

    @pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "REGION", "REFRESH_TOKEN"])
    def test_each_may_be_in_a_mounted_file(self, monkeypatch, tmp_path, name):
        expected = environment_arguments()
        mounted = tmp_path / "secret"
        mounted.write_text(f"{os.environ[f'ZOHORECRUIT_{name}']}\n")
        monkeypatch.delenv(f"ZOHORECRUIT_{name}")
        monkeypatch.setenv(f"ZOHORECRUIT_{name}_FILE", str(mounted))
        assert environment_arguments() == expected

    def test_what_is_missing_is_named(self, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_CLIENT_ID")
        monkeypatch.setenv("ZOHORECRUIT_REGION", "")
        with pytest.raises(ClientConfigurationError, match="lacks ZOHORECRUIT_CLIENT_ID, ZOHORECRUIT_REGION"):
            environment_arguments()

    def test_without_a_refresh_token_the_store_has_to_know(self, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_REFRESH_TOKEN")
        assert environment_arguments()["refresh_token"] is None

    def test_given_twice_it_is_not_guessed_which(self, monkeypatch):
        monkeypatch.setenv("ZOHORECRUIT_REGION_FILE", "/run/secrets/region")
        with pytest.raises(ClientConfigurationError, match="are both set"):
            environment_arguments()

    @pytest.mark.parametrize("content", [None, b"\xff\xfe planted"])
    def test_a_file_that_cannot_be_read_is_named(self, monkeypatch, tmp_path, content):
        path = tmp_path / "secret"
        if content:
            path.write_bytes(content)
        monkeypatch.delenv("ZOHORECRUIT_REGION")
        monkeypatch.setenv("ZOHORECRUIT_REGION_FILE", str(path))
        with pytest.raises(ClientConfigurationError, match="named by ZOHORECRUIT_REGION_FILE, cannot be read: "):
            environment_arguments()

    def test_the_file_of_a_profile_is_no_refresh_token(self, monkeypatch, tmp_path):
        (tmp_path / "token.json").write_text(json.dumps({"refresh_token": GRANT}))
        monkeypatch.delenv("ZOHORECRUIT_REFRESH_TOKEN")
        monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN_FILE", str(tmp_path / "token.json"))
        with pytest.raises(ClientConfigurationError, match="it is JSON, and should be the bare value"):
            environment_arguments()

    def test_an_empty_file_is_a_missing_value(self, monkeypatch, tmp_path):
        (tmp_path / "secret").write_text(" \n")
        monkeypatch.delenv("ZOHORECRUIT_REGION")
        monkeypatch.setenv("ZOHORECRUIT_REGION_FILE", str(tmp_path / "secret"))
        assert read_variable("REGION") is None

    def test_two_addresses_make_a_region(self, monkeypatch):
        monkeypatch.setenv("ZOHORECRUIT_ACCOUNTS_URL", "https://accounts.zoho.example")
        monkeypatch.setenv("ZOHORECRUIT_RECRUIT_URL", "https://recruit.zoho.example")
        monkeypatch.setenv("ZOHORECRUIT_REGION", "mars")
        region = Region("mars", "https://accounts.zoho.example", "https://recruit.zoho.example")
        assert environment_arguments()["region"] == region
        monkeypatch.delenv("ZOHORECRUIT_REGION")
        assert environment_arguments()["region"].code == "custom"

    def test_one_address_makes_none(self):
        with pytest.raises(ClientConfigurationError, match="the addresses of both"):
            make_custom_region("eu", "https://accounts.zoho.example", None)


class TestWrittenOddly:
    """T86: what is around a value, as editors, shells, spreadsheets and web pages leave it there."""

    VALUES = {"CLIENT_ID": "1000.CLIENT", "CLIENT_SECRET": SECRET, "REGION": "eu", "REFRESH_TOKEN": GRANT}

    @pytest.fixture(params=[False, True], ids=["variable", "file"])
    def write(self, request, monkeypatch, tmp_path):
        """Write a value to a variable or its file, and return the name an error has to have."""
        for name, value in self.VALUES.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)

        def write(name, value):
            if not request.param:
                monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
                return f"ZOHORECRUIT_{name} "
            monkeypatch.delenv(f"ZOHORECRUIT_{name}", raising=False)
            (tmp_path / name).write_bytes(value.encode())
            monkeypatch.setenv(f"ZOHORECRUIT_{name}_FILE", str(tmp_path / name))
            return f"{tmp_path / name}, named by ZOHORECRUIT_{name}_FILE, "

        return write

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "\n"),
            ("", "\r\n"),
            ("", "\r"),
            (" ", " "),
            ("\t", " \n\n"),
            ("\ufeff", ""),
            ("\ufeff\n ", "\u00a0"),
            ("\u00a0", "\u00a0"),
            ("\u200b", "\u200b"),
            ("\u200e\u2060", "\u00ad"),
            ("\u202a", "\u202c"),
            ("\u3000", "\u2003"),
            ("", "\u2028"),
            ("\x1f", "\x0b"),
        ],
        ids=ascii,
    )
    def test_t86_what_cannot_be_seen_around_a_value_is_left_out(self, write, name, before, after):
        expected = environment_arguments()
        write(name, f"{before}{self.VALUES[name]}{after}")
        assert environment_arguments() == expected
        assert ZohoRecruitAuth.from_env().region.code == "eu"

    @pytest.mark.parametrize("name", [*NAMES, "ACCOUNTS_URL", "RECRUIT_URL"])
    @pytest.mark.parametrize(
        ("quotes", "around"),
        [
            *(
                (quotes, "{}{}{}")
                for quotes in (
                    "''",
                    "``",
                    "\u201c\u201d",
                    "\u2018\u2019",
                    "\u201e\u201c",
                    "\u00ab\u00bb",
                    "\uff02\uff02",
                )
            ),
            *(('""', around) for around in ("{}{}{}", " {}{}{}\n", "{} {} {}", "{}{}", "{}\r\n{}\r\n{}")),
        ],
        ids=ascii,
    )
    def test_t86_quotes_are_named_as_the_problem_of_that_variable(self, write, name, quotes, around):
        source = write(name, around.format(quotes[0], "planted-value", quotes[1]))
        with raising(ClientConfigurationError) as caught:
            ZohoRecruitAuth.from_env()
        assert str(caught.value) == (
            f"{source}cannot be used: it has quotation marks around it. Remove them. A shell takes quotes away; Docker, "
            "Kubernetes and mounted files keep them in the value."
        )

    @pytest.mark.parametrize("name", [*NAMES, "ACCOUNTS_URL", "RECRUIT_URL"])
    @pytest.mark.parametrize(
        "value",
        [
            "planted value",
            "planted\nvalue",
            "planted\r\nvalue\r\n",
            "planted\u00a0value",
            "planted\u200bvalue",
            "planted\u2013value",
            "pl\u00e4nted",
            "planted\x7fvalue",
            "planted\ufeffvalue",
        ],
        ids=ascii,
    )
    def test_t86_a_character_within_that_no_value_has_is_an_error_that_names_the_variable(self, write, name, value):
        source = write(name, value)
        with raising(ClientConfigurationError) as caught:
            ZohoRecruitAuth.from_env()
        assert str(caught.value) == (
            f"{source}cannot be used: it contains a space, line break or other character that no such value has. Copy "
            "the value once more."
        )
        assert "nted" not in str(caught.value)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("value", ["", " ", "\n", "\r\n", "\ufeff", "\u200b\u00a0"], ids=ascii)
    def test_t86_a_variable_with_nothing_in_it_is_missing(self, write, name, value):
        write(name, value)
        if name == "REFRESH_TOKEN":
            assert environment_arguments()["refresh_token"] is None
            return
        with raising(ClientConfigurationError, match=f"The environment lacks ZOHORECRUIT_{name}. Set each"):
            ZohoRecruitAuth.from_env()

    def test_t86_an_unknown_region_names_its_variable_and_is_shown(self, write):
        source = write("REGION", "mars\n")
        with raising(UnknownRegionError) as caught:
            ZohoRecruitAuth.from_env()
        variable = "ZOHORECRUIT_REGION_FILE" if "_FILE" in source else "ZOHORECRUIT_REGION"
        assert str(caught.value).startswith(f"{variable}: No Zoho region is named 'mars'; known are us, eu")
        assert str(caught.value).endswith("set ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL as well.")

    def test_t86_a_secret_in_the_place_of_the_region_is_not_shown(self, write):
        write("REGION", "1000.planted-0123456789abcdef")
        with raising(UnknownRegionError, match="ZOHORECRUIT_REGION.*: No Zoho region has that name"):
            ZohoRecruitAuth.from_env()

    @pytest.mark.parametrize("name", [*NAMES, "ACCOUNTS_URL", "RECRUIT_URL"])
    def test_t86_json_is_no_value(self, write, name):
        source = write(name, '{"refresh_token": "planted"}\n')
        with raising(ClientConfigurationError) as caught:
            ZohoRecruitAuth.from_env()
        assert str(caught.value) == f"{source}cannot be used: it is JSON, and should be the bare value."

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("around", ["{}\n", " {}\r\n", "\ufeff{}"])
    def test_t86_the_path_of_a_file_is_stripped_too(self, monkeypatch, write, tmp_path, name, around):
        (tmp_path / "a file").write_text(self.VALUES[name])
        monkeypatch.delenv(f"ZOHORECRUIT_{name}")
        monkeypatch.setenv(f"ZOHORECRUIT_{name}_FILE", around.format(tmp_path / "a file"))
        assert environment_arguments()["region"].code == "eu"

    @pytest.mark.parametrize("name", NAMES)
    def test_t86_quotes_around_the_path_of_a_file_are_named(self, monkeypatch, write, tmp_path, name):
        monkeypatch.delenv(f"ZOHORECRUIT_{name}")
        monkeypatch.setenv(f"ZOHORECRUIT_{name}_FILE", f'"{tmp_path}"')
        with raising(
            ClientConfigurationError, match=f"^ZOHORECRUIT_{name}_FILE cannot be used: it has quotation marks"
        ):
            environment_arguments()

    def test_T60_a_secret_in_the_place_of_a_path_is_not_shown(self, monkeypatch, write):
        monkeypatch.delenv("ZOHORECRUIT_CLIENT_SECRET")
        monkeypatch.setenv("ZOHORECRUIT_CLIENT_SECRET_FILE", SECRET)
        with raising(ClientConfigurationError) as caught:
            environment_arguments()
        assert str(caught.value) == (
            "The file, named by ZOHORECRUIT_CLIENT_SECRET_FILE, cannot be read: No such file or directory."
        )

    @pytest.mark.parametrize(
        ("region", "accounts", "problem"),
        [
            ("EU", "https://accounts.zoho.example", "region code 'EU' is not a short lower-case name such as 'eu'."),
            ("eu", "https://accounts.zoho.example", "'eu' is the name of Zoho's region eu, which has other addresses"),
            ("mars", "http://accounts.zoho.example", "accounts_url of region 'mars' must look like https://host"),
        ],
    )
    def test_t86_a_custom_region_that_is_none_names_its_variables(self, write, region, accounts, problem):
        write("REGION", region)
        write("ACCOUNTS_URL", accounts)
        write("RECRUIT_URL", "https://recruit.zoho.example")
        with raising(ClientConfigurationError) as caught:
            ZohoRecruitAuth.from_env()
        names = "ZOHORECRUIT_REGION, ZOHORECRUIT_ACCOUNTS_URL and ZOHORECRUIT_RECRUIT_URL (or the options)"
        assert str(caught.value).startswith(f"{names} do not make a valid region: {problem}")


class TestPrefix:
    """The names that programs have in their settings already."""

    @pytest.fixture(autouse=True)
    def zoho(self, monkeypatch):
        """Return a function that sets variables with the prefix ``ZOHO_``."""

        def put(prefix="ZOHO_", **values):
            for name, value in values.items():
                monkeypatch.setenv(f"{prefix}{name}", value)

        put(CLIENT_ID="1000.CLIENT", CLIENT_SECRET=SECRET, REFRESH_TOKEN=GRANT)
        return put

    @pytest.mark.parametrize("prefix", ["ZOHO_", "MYAPP_ZOHO_", "ZOHORECRUIT_", "_", "zoho_", "Z2_"])
    def test_the_same_names_with_another_prefix(self, zoho, prefix):
        zoho(prefix, CLIENT_ID="1000.CLIENT", CLIENT_SECRET=SECRET, REFRESH_TOKEN=GRANT, REGION="eu")
        assert environment_arguments(prefix) == {
            "client_id": "1000.CLIENT",
            "client_secret": SECRET,
            "region": Region.lookup("eu"),
            "refresh_token": GRANT,
        }
        assert ZohoRecruitAuth.from_env(prefix=prefix).region.code == "eu"

    @pytest.mark.parametrize(
        ("name", "value", "region"),
        [
            ("REGION", "eu", "eu"),
            ("DC", "US", "us"),
            ("DC", "com", "us"),
            ("DOMAIN", "zoho.eu", "eu"),
            ("DOMAIN", ".in", "in"),
            ("DOMAIN", "zohocloud.ca", "ca"),
            ("DOMAIN", "https://www.zohoapis.com.au", "au"),
            ("LOCATION", "jp", "jp"),
            ("ACCOUNTS_URL", "https://accounts.zoho.eu", "eu"),
            ("ACCOUNTS_URL", "https://accounts.zoho.com/oauth/v2/token", "us"),
            ("ACCOUNTS_URL", "accounts.zoho.sa", "sa"),
        ],
    )
    @pytest.mark.parametrize("prefix", ["ZOHO_", "MYAPP_ZOHO_"])
    def test_the_region_has_many_names(self, zoho, prefix, name, value, region):
        zoho(prefix, CLIENT_ID="1000.CLIENT", CLIENT_SECRET=SECRET, **{name: value})
        assert environment_arguments(prefix)["region"] == Region.lookup(region)

    def test_each_of_them_may_be_in_a_file(self, zoho, tmp_path):
        (tmp_path / "dc").write_text("eu\n")
        zoho(DC_FILE=str(tmp_path / "dc"))
        assert environment_arguments("ZOHO_")["region"].code == "eu"
        (tmp_path / "dc").write_text("mars\n")
        with raising(UnknownRegionError, match="^ZOHO_DC_FILE: No Zoho region is named 'mars'"):
            environment_arguments("ZOHO_")

    @pytest.mark.parametrize("prefix", ["ZOHORECRUIT_", "ACME_"])
    def test_a_domain_or_location_of_another_prefix_is_somebody_elses(self, zoho, prefix):
        zoho(prefix, CLIENT_ID="1000.CLIENT", CLIENT_SECRET=SECRET, REGION="eu")
        zoho(prefix, DOMAIN="acme.example", LOCATION="us", DC="rack-7")
        assert environment_arguments(prefix)["region"].code == "eu"

    def test_several_names_that_agree_are_no_contradiction(self, zoho):
        zoho(REGION="eu", DC="EU", DOMAIN="zoho.eu", LOCATION="eu", ACCOUNTS_URL="https://accounts.zoho.eu")
        assert environment_arguments("ZOHO_")["region"].code == "eu"

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"REGION": "eu", "DC": "us"}, "ZOHO_REGION and ZOHO_DC name different regions, eu and us."),
            (
                {"DOMAIN": "zoho.in", "LOCATION": "us"},
                "ZOHO_DOMAIN and ZOHO_LOCATION name different regions, in and us.",
            ),
            (
                {"DC": "eu", "ACCOUNTS_URL": "https://accounts.zoho.com"},
                "ZOHO_DC and ZOHO_ACCOUNTS_URL name different regions, eu and us.",
            ),
            (
                {"DC": "eu", "ACCOUNTS_URL": "https://a.zoho.example", "RECRUIT_URL": "https://r.zoho.example"},
                "ZOHO_ACCOUNTS_URL and ZOHO_DC name different regions, custom and eu.",
            ),
        ],
    )
    def test_a_contradiction_names_both(self, zoho, values, told):
        zoho(**values)
        with raising(ClientConfigurationError) as caught:
            ZohoRecruitAuth.from_env(prefix="ZOHO_")
        assert str(caught.value) == f"{told} Unset the one that is wrong."

    def test_two_addresses_make_a_region_with_any_prefix(self, zoho):
        zoho(ACCOUNTS_URL="https://a.zoho.example", RECRUIT_URL="https://r.zoho.example")
        assert environment_arguments("ZOHO_")["region"].code == "custom"
        zoho(REGION="mars", DC="mars")
        assert environment_arguments("ZOHO_")["region"].code == "mars"

    def test_errors_name_the_variables_of_the_prefix(self, zoho, monkeypatch):
        with raising(ClientConfigurationError, match="The environment lacks ZOHO_REGION. Set each"):
            environment_arguments("ZOHO_")
        zoho(DOMAIN="zoho.mars")
        with raising(UnknownRegionError) as caught:
            environment_arguments("ZOHO_")
        assert str(caught.value).startswith("ZOHO_DOMAIN: No Zoho region is named 'zoho.mars'; known are us")
        assert str(caught.value).endswith("set ZOHO_ACCOUNTS_URL and ZOHO_RECRUIT_URL as well.")
        monkeypatch.delenv("ZOHO_DOMAIN")
        zoho(REGION="eu", CLIENT_SECRET='"planted"')
        with raising(ClientConfigurationError, match="^ZOHO_CLIENT_SECRET cannot be used: it has quotation marks"):
            environment_arguments("ZOHO_")
        zoho(RECRUIT_URL="https://r.zoho.example", CLIENT_SECRET=SECRET)
        with raising(ClientConfigurationError, match="Set ZOHO_ACCOUNTS_URL and ZOHO_RECRUIT_URL, or"):
            environment_arguments("ZOHO_")
        zoho(ACCOUNTS_URL="http://a.zoho.example")
        with raising(ClientConfigurationError, match="^ZOHO_REGION, ZOHO_ACCOUNTS_URL and ZOHO_RECRUIT_URL"):
            environment_arguments("ZOHO_")

    @pytest.mark.parametrize("prefix", ["", "ZOHO", "ZOHO-", "2_", "ZOHO _", "Z\u00d6HO_", "ZOHO_\n"])
    def test_what_cannot_begin_a_name_is_a_value_error(self, prefix):
        with pytest.raises(ValueError, match="^prefix must be letters"):
            ZohoRecruitAuth.from_env(prefix=prefix)

    @pytest.mark.parametrize("prefix", [None, 5, b"ZOHO_"])
    def test_what_is_no_string_is_a_type_error(self, prefix):
        with pytest.raises(TypeError, match="^prefix must be a string, not "):
            ZohoRecruitAuth.from_env(prefix=prefix)


class TestClientCredentials:
    SOID, SCOPE = "ZohoRecruit.60001234567", "ZohoRecruit.modules.ALL"

    @pytest.fixture(autouse=True)
    def complete(self, monkeypatch):
        for name, value in {"CLIENT_ID": "1000.C", "CLIENT_SECRET": SECRET, "REGION": "eu", "SOID": self.SOID}.items():
            monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        monkeypatch.setenv("ZOHORECRUIT_SCOPE", self.SCOPE)

    @pytest.mark.parametrize("scope", [SCOPE, f"{SCOPE},ZohoRecruit.users.READ", f" {SCOPE}, ZohoRecruit.users.READ\n"])
    def test_soid_and_scope_stand_in_the_place_of_a_refresh_token(self, monkeypatch, scope):
        monkeypatch.setenv("ZOHORECRUIT_SCOPE", scope)
        values = environment_arguments()
        assert (values["soid"], values["scope"], values["refresh_token"]) == (self.SOID, scope.strip(), None)
        assert ZohoRecruitAuth.from_env().region.code == "eu"

    def test_each_may_be_in_a_file(self, monkeypatch, tmp_path):
        for name, value in {"SOID": self.SOID, "SCOPE": self.SCOPE}.items():
            (tmp_path / name).write_text(f"{value}\n")
            monkeypatch.delenv(f"ZOHORECRUIT_{name}")
            monkeypatch.setenv(f"ZOHORECRUIT_{name}_FILE", str(tmp_path / name))
        assert (environment_arguments()["soid"], environment_arguments()["scope"]) == (self.SOID, self.SCOPE)

    def test_an_organisation_without_a_scope_is_incomplete(self, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_SCOPE")
        with raising(ClientConfigurationError, match="The environment lacks ZOHORECRUIT_SCOPE"):
            ZohoRecruitAuth.from_env()

    def test_a_scope_alone_is_for_a_consent_page(self, monkeypatch):
        monkeypatch.delenv("ZOHORECRUIT_SOID")
        monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", GRANT)
        assert environment_arguments().keys() == {"client_id", "client_secret", "region", "refresh_token"}

    def test_two_grants_are_one_too_many(self, monkeypatch):
        monkeypatch.setenv("ZOHORECRUIT_REFRESH_TOKEN", GRANT)
        with raising(ClientConfigurationError, match="ZOHORECRUIT_SOID and ZOHORECRUIT_REFRESH_TOKEN are both set"):
            ZohoRecruitAuth.from_env()

    @pytest.mark.parametrize(
        ("name", "value"), [("SOID", "60001234567"), ("SOID", "ZohoRecruit."), ("SCOPE", ","), ("SCOPE", ", ,")]
    )
    def test_what_cannot_be_names_the_variable(self, monkeypatch, name, value):
        monkeypatch.setenv(f"ZOHORECRUIT_{name}", value)
        with raising(ClientConfigurationError, match=f"^ZOHORECRUIT_{name} cannot be used: {name.lower()} "):
            ZohoRecruitAuth.from_env()
