"""The pages that people see: sign-in, consent, entry of a device's code, and Zoho's error pages.

Knows HTML, but nothing about what a click does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

__all__ = ["render_code_entry", "render_consent", "render_problem", "render_sign_in"]

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5b6478; --paper: #fff; --back: #eef1f6; --line: #dde2eb;
  --go: #1f6f54; --go-ink: #fff; --chip: #f3f6fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --soft: #a3acbf; --paper: #1c212c; --back: #12151c;
  --line: #313949; --go: #4fb08d; --go-ink: #0d1a15; --chip: #252c3a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { width: 100%; max-width: 32rem; background: var(--paper); border: 1px solid var(--line); border-radius: 14px;
  padding: 2rem; box-shadow: 0 12px 32px rgb(20 30 60 / 8%); }
.tag { display: inline-block; margin: 0 0 1rem; padding: .15rem .7rem; border: 1px solid var(--line);
  color: var(--soft); border-radius: 99px; font-size: .8rem; }
h1 { margin: 0 0 .5rem; font-size: 1.45rem; line-height: 1.25; }
p { margin: 0 0 1rem; color: var(--soft); }
ul { list-style: none; margin: 0 0 1.25rem; padding: 0; display: grid; gap: .5rem; }
li { padding: .6rem .85rem; background: var(--chip); border-radius: 8px; }
li small { display: block; color: var(--soft); overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; margin: 0 0 1.5rem; font-size: .875rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; }
button { flex: 1 1 9rem; padding: .75rem 1rem; font: inherit; font-weight: 600; border-radius: 9px; cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: var(--ink); }
button[value=accept] { background: var(--go); border-color: var(--go); color: var(--go-ink); }
input { flex: 1 1 100%; padding: .75rem 1rem; font: inherit; letter-spacing: .1em; border-radius: 9px;
  border: 1px solid var(--line); background: var(--chip); color: var(--ink); }
button:focus-visible, input:focus-visible { outline: 3px solid var(--go); outline-offset: 2px; }
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
        "<h1>Who are you?</h1><p>The sandbox has several people. Each lives in one data center.</p>"
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
