"""The page of symptoms knows every error class, every word of Zoho's, and every text that users can see."""

from __future__ import annotations

import ast
import inspect
import itertools
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
    """Return the messages of all errors and warnings, with "…" where a value is filled in: {text: where}.

    Those of `click.UsageError` are not among them: each says what to type instead, under one symptom for all.
    """
    found = {}
    modules = {
        path.relative_to(PACKAGE): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in {"sandbox", "demo"}
    }
    kinds = error_classes(modules.values()) | {"ClickException", "kind", "make_callback_error", "note", "warning"}
    for where, module in modules.items():
        # What prompts and the commands print of these, and what says to a program that it called us wrongly.
        seen = kinds | {"ValueError"} if where.parts[0] == "cli" else kinds
        for scope, call in calls(module):
            name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
            for text in texts_of(call.args[0], scope, module) if call.args and name in seen else ():
                if name == "note" and not text.startswith(("Could not ", "Warning: ")):
                    continue  # what a command says about its output, such as "Saved 20 bytes"
                found.setdefault(text, f"{where}:{call.lineno}")
    return found


def error_classes(modules):
    """Return the names of the library's error classes, and of all that are made of them."""
    known, classes = set(), [each for module in modules for each in ast.walk(module) if isinstance(each, ast.ClassDef)]
    more = set(errors.__all__)
    while more:
        known |= more
        more = {each.name for each in classes if {*map(ast.unparse, each.bases)} & known} - known
    return known


def calls(module):
    """Yield each call with the outermost function that it is in, or the module."""
    for top in module.body:
        for scope in top.body if isinstance(top, ast.ClassDef) else [top]:
            yield from ((scope, each) for each in ast.walk(scope) if isinstance(each, ast.Call))


def texts_of(node, scope, module):
    """Return what a message may be: a literal, or the literals that its name, or a name in it, was given."""
    if isinstance(node, ast.Name):
        values = [value for part in (scope, module) for value in assigned(node.id, part)]
        return [text for value in values for text in texts_of(value, scope, module)]
    if isinstance(node, ast.IfExp):
        return texts_of(node.body, scope, module) + texts_of(node.orelse, scope, module)
    if isinstance(node, ast.JoinedStr):
        parts = [
            [part.value] if isinstance(part, ast.Constant) else texts_of(part.value, scope, module) or ["…"]
            for part in node.values
        ]
        return list(map("".join, itertools.product(*parts)))
    return [read(node)] if read(node) else []


def assigned(name, part):
    """Return the values that a name is given in a function, or at the top of a module."""
    inside = part.body if isinstance(part, ast.Module) else ast.walk(part)
    return [
        each.value
        for each in inside
        if isinstance(each, ast.Assign) and [*map(ast.unparse, each.targets)] == [name] and not uses(each.value, name)
    ]


def uses(node, name):
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


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
    """Tell whether a symptom is a part of this message, or looks like it with values filled in.

    A message that begins with words of its own is there with these, for another may end like it.
    """
    own = len(text.split("…")[0]) >= 4
    return any(
        (re.match if own else re.search)(pattern(shown), text) or re.search(pattern(text), shown)
        for shown in SHOWN
        if len(constant(shown)) >= 8
    )


TEXTS = {text: where for text, where in texts().items() if len(constant(text)) >= 8}
FAILURES = [what for _, what in token_endpoint._UNSENT] + [
    read(each.value)
    for function in (token_endpoint._find_obstacle, token_endpoint._describe_failure)
    for each in ast.walk(ast.parse(inspect.getsource(function)))
    if isinstance(each, ast.Return) and read(each.value)
]


def test_messages_are_found():
    assert len(TEXTS) > 100
    assert len(FAILURES) > 6
    assert len(SHOWN) > 90


@pytest.mark.parametrize("text", TEXTS)
def test_each_message_is_a_symptom(text):
    assert is_shown(text), f"the message of {TEXTS[text]} is not in docs/howto/troubleshooting.rst"


@pytest.mark.parametrize("text", FAILURES)
def test_each_failure_of_the_network_is_a_symptom(text):
    assert any(shown.startswith(text) for shown in SHOWN)


@pytest.mark.parametrize(
    "text", ["Zoho Accounts … has been painted green, region ….", "The colour … of 127.0.0.1 cannot be used: …."]
)
def test_a_message_that_is_not_there_is_missed(text):
    assert not is_shown(text)


MODULE = """
_NO_LIST = "no list"


class OwnError(TokenStoreError): ...


def check(name):
    problem = "is gone" if name else f"is {name}"
    raise OwnError(f"The file {problem}.")
    raise click.ClickException(_NO_LIST)
"""


def test_a_message_is_found_in_a_constant_in_a_variable_and_in_an_error_class_of_a_modules_own():
    module = ast.parse(MODULE)
    assert error_classes([module]) == {*errors.__all__, "OwnError"}
    found = [text for scope, call in calls(module) for text in texts_of(call.args[0], scope, module)]
    assert found == ["The file is gone.", "The file is ….", "no list"]


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
