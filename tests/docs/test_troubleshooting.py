"""The page of symptoms knows every error class, every word of Zoho's, and every text that users can see."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from helpers.doc_pages import DOCS

import requests_zohorecruit
from requests_zohorecruit import errors
from requests_zohorecruit.zoho import api_answers, token_answers, token_endpoint

PACKAGE = Path(requests_zohorecruit.__file__).parent
TEXT = (DOCS / "howto/troubleshooting.rst").read_text("utf-8")
#: What stands over an indented explanation: where people look for what they see.
SHOWN = [
    literal for term in re.findall(r"^(\S.*)\n    \S", TEXT, re.MULTILINE) for literal in re.findall(r"``(.+?)``", term)
]
#: Of the device flow: words that device.py compares with, which is not a table.
DEVICE_WORDS = ["access_denied", "authorization_pending", "expired", "other_dc", "slow_down"]


def texts():
    """Return the messages of all errors and warnings, with "…" where a value is filled in: {text: where}."""
    kinds = {*errors.__all__, "kind", "make_callback_error"}
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] in {"sandbox", "demo"}:
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and call.args:
                name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
                text = read(call.args[0])
                if text and (name in kinds or name == "warning"):
                    found.setdefault(text, f"{path.relative_to(PACKAGE)}:{call.lineno}")
    return found


def read(node):
    """Return the text of a literal, formatted or not; None of anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[a-z]|%\.\d[a-z]", "…", node.value)
    return None


def constant(text):
    """Return the longest part of a message that is always the same."""
    return max(text.split("…"), key=len).strip(" ;:.")


def pattern(text):
    """Return what a text looks like with any values in it."""
    return ".*".join(re.escape(part) for part in text.strip("… .").split("…"))


def is_shown(text):
    """Tell whether a symptom is a part of this message, or looks like it with values filled in."""
    return any(
        re.search(pattern(shown), text) or re.search(pattern(text), shown)
        for shown in SHOWN
        if len(constant(shown)) >= 8
    )


TEXTS = {text: where for text, where in texts().items() if len(constant(text)) >= 8}
TEXTS.pop("… … (Zoho Accounts, region …).")  # its beginning is one of the next
FAILURES = [what for _, what in token_endpoint._UNSENT] + [
    read(each.value)
    for function in (token_endpoint._find_obstacle, token_endpoint._describe_failure)
    for each in ast.walk(ast.parse(inspect.getsource(function)))
    if isinstance(each, ast.Return) and read(each.value)
]


def test_messages_are_found():
    assert len(TEXTS) > 60
    assert len(FAILURES) > 6
    assert len(SHOWN) > 90


@pytest.mark.parametrize("text", TEXTS)
def test_each_message_is_a_symptom(text):
    assert is_shown(text), f"the message of {TEXTS[text]} is not in docs/howto/troubleshooting.rst"


@pytest.mark.parametrize("text", FAILURES)
def test_each_failure_of_the_network_is_a_symptom(text):
    assert any(shown.startswith(text) for shown in SHOWN)


def test_a_message_that_is_not_there_is_missed():
    assert not is_shown("Zoho Accounts … has been painted green, region ….")


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_class_is_a_symptom(name):
    assert name in SHOWN


@pytest.mark.parametrize("word", [*token_answers._ERRORS, "Access Denied", *DEVICE_WORDS])
def test_each_word_of_zoho_accounts_is_a_symptom(word):
    assert word in SHOWN


def test_the_words_of_the_device_flow_are_those_that_are_read():
    tree = ast.parse((PACKAGE / "zoho/device.py").read_text("utf-8"))
    compared = {
        read(each.comparators[0])
        for each in ast.walk(tree)
        if isinstance(each, ast.Compare) and isinstance(each.left, ast.Name) and each.left.id == "word"
    }
    assert sorted(compared) == DEVICE_WORDS


@pytest.mark.parametrize("code", sorted({*api_answers.REJECTIONS, "OAUTH_SCOPE_MISMATCH"}))
def test_each_401_of_the_api_is_a_symptom(code):
    assert code in SHOWN


@pytest.mark.parametrize("symptom", ["401", "403", "429", "204", "Invalid Redirect Uri", "Scope does not exist"])
def test_what_people_see_without_an_error_is_a_symptom(symptom):
    assert any(shown.startswith(symptom) for shown in SHOWN)


def test_the_page_can_be_read_without_sphinx():
    assert set(re.findall(r"^\.\. ([\w-]+)::", TEXT, re.MULTILINE)) <= {"code-block"}
    assert set(re.findall(r":([\w:]+):`", TEXT)) <= {"doc"}
