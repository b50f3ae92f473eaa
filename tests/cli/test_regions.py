"""``zohorecruit regions``."""

from __future__ import annotations

import json

from click.testing import CliRunner

from requests_zohorecruit import Region
from requests_zohorecruit.cli.app import app


def test_regions_are_listed_in_a_table():
    output = CliRunner().invoke(app, ["regions"]).output
    rows = [line for line in output.splitlines() if "accounts.zoho" in line]
    assert len(rows) == len(Region.all())
    assert "│ ca     │ accounts.zohocloud.ca │ recruit.zohocloud.ca │ www.zohoapis.ca     │" in rows
    assert "\x1b" not in output


def test_regions_as_json_are_what_a_custom_region_takes():
    listed = json.loads(CliRunner().invoke(app, ["regions", "--json"]).output)
    assert tuple(Region(**region) for region in listed) == Region.all()
