"""Hypothesis strategies for what comes from outside, with a secret planted in it wherever one could be."""

from __future__ import annotations

import gzip
import json

from hypothesis import strategies as st

#: Looks like Zoho's; `https_server.leaks` looks for the word in it.
PLANTED = "1000.planted0123456789abcdef.fedcba9876543210"

#: Words that mean something somewhere, so that the branches behind them are reached.
WORDS = (
    PLANTED, "planted 1 with spaces", "", "0", "-1", "1e999", "nan", "3600", "eu", "us", "1000.CLIENT", "failure", "success",
    "invalid_code", "invalid_client", "invalid_client_secret", "invalid_redirect_uri", "Access Denied", "access_denied",
    "INVALID_TOKEN", "OAUTH_SCOPE_MISMATCH", "AUTHENTICATION_FAILURE", "ThrottledError", "TokenEndpointError",
    "https://www.zohoapis.eu", "https://accounts.zoho.eu", "\ufeff", "\ud800", "\0", "١٢٣", "\u212a",
)  # fmt: skip
FIELDS = (
    "access_token", "refresh_token", "error", "error_description", "status", "expires_in", "expires_in_sec", "expires_at",
    "scope", "api_domain", "token_type", "code", "client_id", "region", "mint_times", "failure", "rejection_pause",
    "message", "hint", "status_code", "grant", "cool_down",
)  # fmt: skip

texts = st.text() | st.sampled_from(WORDS)
numbers = st.integers() | st.floats() | st.integers(0, 4_000_000_000) | st.sampled_from([10**400, -(10**400), 0, 1e308])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | texts, inner, max_size=4)
        | st.tuples(numbers, numbers).map(list)
    ),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from(FIELDS) | texts, values, max_size=12)

#: Deeper than Python's stack, or just not.
nested = st.builds(
    lambda opening, depth, middle, closing: opening * depth + middle + closing * depth,
    st.sampled_from(["[", '{"a":', '{"access_token":']),
    st.integers(1, 1500) | st.just(100_000),
    st.sampled_from(["", "1", f'"{PLANTED}"']),
    st.sampled_from(["", "]", "}"]),
)
#: What `json.loads` takes although JSON does not have it, or has no end of digits.
odd_numbers = st.sampled_from(["NaN", "-Infinity", "1" * 5000, "-0.0", "1e400"]).map('{{"expires_in": {0}}}'.format)


def spoiled(document: str, at: float, put: str) -> str:
    """Return `document` with something in the middle of it, or without its end."""
    middle = int(at * len(document))
    return document[:middle] + (put + document[middle:] if put else "")


documents = st.one_of(
    texts,
    values.map(json.dumps),
    mappings.map(json.dumps),
    st.builds(spoiled, mappings.map(json.dumps), st.floats(0, 1), texts),
    nested,
    odd_numbers,
    st.just(f"<html><!-- {PLANTED} --></html>"),
)
bodies = st.one_of(
    documents.map(lambda text: text.encode("utf-8", "surrogatepass")),
    documents.map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.binary(),
    documents.map(lambda text: gzip.compress(text.encode("utf-8", "surrogatepass"))),
)
statuses = st.sampled_from([200, 200, 204, 301, 307, 400, 401, 403, 429, 500, 502, 504]) | st.integers(100, 599)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Retry-After": texts
        | numbers.map(str)
        | st.sampled_from(["Wed, 21 Oct 2099 07:28:00 GMT", "120", " 120", "999999999999", "٣٠", PLANTED]),
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", PLANTED]),
        "Content-Type": st.sampled_from(
            ["application/json", "text/html; charset=utf-16", "text/plain; charset=", PLANTED]
        ),
        "Location": st.just(f"https://stranger.example/?{PLANTED}"),
        "Set-Cookie": st.just(f"session={PLANTED}"),
        "WWW-Authenticate": texts,
    },
)

_pieces = st.sampled_from(
    [
        "code=", "state=", "location=", "accounts-server=", "error=", "access_token=", "=", "&", "?", "#", "%", "%ff", "%2", ";",
        "+", "@", ":", "/", "\\", "[", "]", "http://", "https://", "https%3A%2F%2Faccounts.zoho.eu", "https://accounts.zoho.eu",
        "https%3A%2F%2Faccounts.zoho.eu%2F", "https%3A%2F%2Faccounts.zoho.com", "eu", "us", "STATE", PLANTED, "access_denied",
        "127.0.0.1", "[::1]", "[", ":99999", "\ud800", "\0", "\n", " ", "\uff0e",
    ]
)  # fmt: skip
#: A callback that is good but for what stands in its places.
callbacks = st.one_of(
    texts,
    st.lists(_pieces, max_size=14).map("".join),
    st.lists(_pieces, max_size=14).map(lambda pieces: "https://app.example/?" + "".join(pieces)),
    st.builds(
        "{}?state={}&code={}&location={}&accounts-server={}{}".format,
        st.sampled_from(["https://app.example/callback", "http://127.0.0.1:8400/callback", "http://app.example/", ""]),
        st.just("STATE") | _pieces,
        st.just(PLANTED) | _pieces,
        st.just("eu") | _pieces,
        st.just("https%3A%2F%2Faccounts.zoho.eu") | _pieces,
        st.just("") | st.lists(_pieces, max_size=4).map("".join),
    ),
)
urls = texts | st.text(alphabet="htps:/@\\[]%.:#?0123456789ez").map("https://".__add__) | callbacks
anything = values | st.binary() | st.sets(st.integers(), max_size=2) | st.just(object())
