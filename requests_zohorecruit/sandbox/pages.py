"""The pages that people see: sign-in, consent, entry of a device's code, and Zoho's error pages.

Knows HTML, but nothing about what a click does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

__all__ = ["render_code_entry", "render_consent", "render_problem", "render_sign_in"]

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, CanvasText 20%, Canvas); --go: #1f6f54; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
  font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 30rem; }
h1 { margin: .5rem 0; font-size: 1.45rem; line-height: 1.25; }
ul { list-style: none; padding: 0; display: grid; gap: .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; font-size: .875rem; }
dd { margin: 0; }
small { display: block; }
.tag, p, dt, small { color: color-mix(in srgb, CanvasText 65%, Canvas); }
dd, small { overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; }
li, button, input { padding: .6rem .85rem; border: 1px solid var(--line); border-radius: 9px; font: inherit; }
button { flex: 1 1 9rem; cursor: pointer; background: Canvas; }
button[value=accept] { background: var(--go); color: #fff; }
input { flex: 1 1 100%; }
:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
"""

_DEEDS = {
    "ALL": "See and change",
    "READ": "See",
    "WRITE": "Change",
    "CREATE": "Add",
    "UPDATE": "Edit",
    "DELETE": "Delete",
}


def render_consent(  # noqa: PLR0913 - all are passed by name
    *,
    application: str,
    scope: tuple[str, ...],
    lasting: bool,
    facts: Mapping[str, str],
    action: str,
    fields: Mapping[str, str],
) -> str:
    """Return the page on which a person accepts or rejects.

    :param facts: further information to show, label -> value
    :param fields: the request's fields, sent with the click
    """
    scopes = "".join(f"<li>{escape(_describe_scope(item))}<small>{escape(item)}</small></li>" for item in scope)
    shown = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in facts.items())
    return _render(
        "Allow access?",
        f"<h1>Allow {escape(application)} to use your Recruit data?</h1>"
        f"<p>It asks to act on your behalf, {'until it is revoked' if lasting else 'for one hour'}:</p>"
        f"<ul>{scopes}</ul><dl>{shown}</dl>"
        f'<form method="post" action="{escape(action)}">{_hide(fields)}'
        '<button name="decision" value="accept">Accept</button>'
        '<button name="decision" value="reject">Reject</button></form>',
    )


def render_sign_in(*, people: Iterable[tuple[str, str, str]], action: str, fields: Mapping[str, str]) -> str:
    """Return the page on which a person chooses their account; at Zoho they would sign in.

    :param people: name, e-mail address and region code of each person
    """
    buttons = "".join(
        f'<button name="person" value="{escape(email)}">{escape(name)}, {escape(code)}<br>{escape(email)}</button>'
        for name, email, code in people
    )
    return _render(
        "Sign in",
        "<h1>Who are you?</h1><p>The sandbox has several people. Each lives in one data centre.</p>"
        f'<form method="get" action="{escape(action)}">{_hide(fields)}{buttons}</form>',
    )


def render_code_entry(*, action: str, wrong: bool) -> str:
    """Return the page on which a person enters the code that a device shows."""
    told = "This code is unknown, used or too old." if wrong else "Your device shows it."
    return _render(
        "Connect a device",
        f"<h1>Enter the code</h1><p>{told}</p>"
        f'<form method="get" action="{escape(action)}"><input name="user_code" aria-label="Code" autocomplete="off" '
        "autofocus required><button>Continue</button></form>",
    )


def render_problem(title: str, explanation: str) -> str:
    """Return a page that reports an error or a result. As at Zoho, such errors never reach the client."""
    return _render(title, f"<h1>{escape(title)}</h1><p>{escape(explanation)}</p>")


def _hide(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _render(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - Zoho sandbox</title><style>{_STYLE}</style></head>"
        f'<body><main><div class="tag">Sandbox, not the real Zoho</div>{content}</main></body></html>'
    )


def _describe_scope(scope: str) -> str:
    *what, deed = scope.split(".")[1:]
    return f"{_DEEDS.get(deed.upper(), deed)} {' '.join(what) or 'everything'}"
