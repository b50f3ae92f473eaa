"""Which records a query shows, in which order, with which fields; and what the sandbox does not understand, it says."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from helpers.socketless_sandbox import says

from requests_zohorecruit.sandbox.served import MODULES, ROUTES


@pytest.fixture
def token(desk):
    return desk.mint()


@pytest.fixture
def get(desk, token):
    def get(path, **headers):
        return desk.api("GET", path, token, **headers)

    return get


def listed(answer, field="Last_Name"):
    return [record.get(field) for record in says(answer)["data"]] if answer.body else []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_route_ignores_a_parameter(desk, token, route):
    path = route.path.format(module="Candidates", id="410888000000117001", file="1")
    answer = desk.api(route.method, f"{path}?surprise=1", token, [{"Last_Name": "X"}])
    assert answer.status == 501
    assert f"the parameter surprise of {route.method} /recruit/v2/{route.path}." in says(answer)["message"]


@pytest.mark.parametrize("name", ["cvid", "territory_id", "include_child", "ids"])
def test_parameters_of_zoho_that_the_sandbox_does_not_have_are_named(get, name):
    answer = get(f"Candidates?{name}=1")
    assert (answer.status, name in says(answer)["message"]) == (501, True)


def test_who_may_not_is_not_told_what_is_missing(desk):
    assert desk.send("GET", "/recruit/v2/Candidates?surprise=1").status == 401


@pytest.mark.parametrize("module", [*MODULES, "Job_Openings"])
def test_every_module_is_listed(get, module):
    answer = get(module)
    assert answer.status == (204 if module == "Notes" else 200)


def test_a_module_with_two_names_is_one(desk, token, get):
    (record,) = says(get("Job_Openings?per_page=1"))["data"]
    assert (
        says(desk.api("PUT", f"JobOpenings/{record['id']}", token, [{"City": "Oslo"}]))["data"][0]["code"] == "SUCCESS"
    )
    assert says(get(f"Job_Openings/{record['id']}"))["data"][0]["City"] == "Oslo"
    reader = desk.mint(desk.zoho.new_grant("ZohoRecruit.modules.jobopening.READ"))
    assert desk.api("GET", "Job_Openings", reader).status == 200


def test_fields_leave_the_rest_out_and_unknown_ones_are_null(get):
    first = says(get("Candidates?fields=Last_Name,Email%20,Shoe_Size&per_page=1"))["data"][0]
    assert first == {
        "id": "410888000000117001",
        "Last_Name": "Okafor",
        "Email": "candidate01@example.com",
        "Shoe_Size": None,
    }


def test_records_are_sorted_by_text_by_number_and_by_id(get):
    names = listed(get("Candidates?sort_by=Last_Name"))
    assert names == sorted(names, key=str.lower)
    assert names[0] == "Auer"
    assert listed(get("Candidates?sort_by=Last_Name&sort_order=desc")) == names[::-1]
    years = listed(get("Candidates?sort_by=Experience_in_Years&sort_order=asc"), "Experience_in_Years")
    assert years == sorted(years)
    assert years[-1] == 15
    assert listed(get("Candidates?sort_order=desc"), "id")[-1] == "410888000000117001"
    assert get("Candidates?sort_order=up").status == 400


def test_records_without_the_field_come_last_either_way_and_text_after_numbers(desk, token, get):
    desk.api("PUT", "Candidates/410888000000117005", token, [{"Rank": "b"}])
    desk.api("PUT", "Candidates/410888000000117003", token, [{"Rank": 2}])
    for order, first in (("asc", [2, "b", None]), ("desc", ["b", 2, None])):
        assert listed(get(f"Candidates?sort_by=Rank&sort_order={order}&per_page=3"), "Rank") == first


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("converted=false&approved=true", 12),
        ("converted=both&approved=both&state=save", 12),
        ("$state=save", 12),
        ("converted=true", 0),
        ("approved=false", 0),
        ("state=draft", 0),
        ("%24state=draft", 0),
    ],
)
def test_all_records_are_saved_approved_and_not_converted(get, query, count):
    assert len(listed(get(f"Candidates?{query}"))) == count


@pytest.mark.parametrize("query", ["converted=yes", "approved=", "state=lost"])
def test_other_states_are_refused(get, query):
    assert says(get(f"Candidates?{query}"))["code"] == "INVALID_DATA"


def test_what_did_not_change_since_is_left_out(desk, token, get):
    before = "1970-01-12T13:46:40+00:00"
    assert get("Candidates", If_Modified_Since=before).status == 204
    desk.now += 60
    desk.api("PUT", "Candidates/410888000000117002", token, [{"City": "Kiel"}])
    assert listed(get("Candidates", If_Modified_Since=before), "City") == ["Kiel"]
    assert listed(get("Candidates", If_Modified_Since="1970-01-12T13:46:40Z"), "City") == ["Kiel"]
    for wrong in ("yesterday", "1970-01-12T13:46:40"):
        assert get("Candidates", If_Modified_Since=wrong).status == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("criteria=(Last_Name:equals:okafor)", ["Okafor"]),
        ("criteria=((Last_Name:equals:Okafor))", ["Okafor"]),
        ("criteria=((Country:equals:United Kingdom)and(City:starts_with:lee))", ["Okafor"]),
        ("criteria=((City:equals:Leeds)or(City:equals:Berlin))", ["Okafor", "Auer"]),
        ("criteria=(City:equals:Leeds)or(City:equals:Berlin)", ["Okafor", "Auer"]),
        (r"criteria=(Skill_Set:equals:Python\, PostgreSQL\, Kafka)", ["Okafor"]),
        ("criteria=(Experience_in_Years:equals:15)", ["Whitcombe"]),
        ("criteria=(Shoe_Size:equals:none)", []),
        ("email=CANDIDATE02@example.com", ["Auer"]),
        ("email=candidate", []),
        ("phone=(49)-30-23125014", ["Auer"]),
        ("word=playwright", ["Kulkarni"]),
        ("word=nothing-like-it", []),
        ("criteria=(Last_Name:equals:Auer)&email=candidate01@example.com&phone=1&word=x", ["Auer"]),
        ("email=candidate01@example.com&word=Auer", ["Okafor"]),
        ("word=example.com&per_page=2&page=6", ["Mensah-Boateng", "del Río"]),
        ("word=example.com&converted=true", []),
    ],
)
def test_search(get, query, found):
    assert listed(get("Candidates/search?" + quote(query, safe="=&()"))) == found


def test_a_looked_up_record_is_found_by_its_name(desk, token, get):
    desk.api("POST", "Clients", token, [{"Client_Name": "Acme", "Parent": {"name": "Holding Ltd", "id": "1"}}])
    assert listed(get("Clients/search?criteria=(Parent:equals:holding%20ltd)"), "Client_Name") == ["Acme"]
    assert listed(get("Clients?sort_by=Parent&per_page=1"), "Client_Name") == ["Acme"]


@pytest.mark.parametrize(
    ("criteria", "status", "told"),
    [
        ("(Last_Name:contains:a)", 501, "the operator contains"),
        ("((City:equals:a)and(City:equals:b)or(City:equals:c))", 501, "and beside or"),
        ("(((City:equals:a)and(City:equals:b))or(City:equals:c))", 501, "criteria other than"),
        ("Last_Name=Auer", 501, "criteria other than"),
        ("(City:equals:a" + ")or(City:equals:a" * 10 + ")", 400, "at most 10"),
    ],
)
def test_criteria_that_are_not_understood_find_nothing_silently(get, criteria, status, told):
    answer = get("Candidates/search?criteria=" + quote(criteria))
    assert (answer.status, told in says(answer)["message"]) == (status, True)


@pytest.mark.parametrize("query", ["", "?criteria=", "?page=1"])
def test_a_search_for_nothing_is_refused(get, query):
    answer = get(f"Candidates/search{query}")
    assert (answer.status, says(answer)["code"]) == (400, "REQUIRED_PARAM_MISSING")


def test_searching_needs_the_scope_that_zohos_page_asks_for_as_well(desk):
    for scope, status in (
        ("ZohoRecruit.modules.ALL", 401),
        ("ZohoSearch.securesearch.READ", 401),
        ("ZohoRecruit.modules.candidate.READ,ZohoSearch.securesearch.READ", 200),
    ):
        reader = desk.mint(desk.zoho.new_grant(scope))
        assert desk.api("GET", "Candidates/search?word=a", reader).status == status
