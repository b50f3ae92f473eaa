"""Error reporters with their default settings: each turns an exception into the text that would leave the process.

To be used in separate processes, because sentry-sdk and elastic-apm patch the interpreter when they start.
"""

from __future__ import annotations

import base64
import io
import json
import re
import traceback
import warnings
from contextlib import redirect_stderr
from urllib.parse import quote_plus

__all__ = ["find_secrets", "start_reporters"]

#: What the sandbox's refresh and access tokens, and its codes, look like.
TOKEN = re.compile(r"1000\.[0-9a-f]{32}\.[0-9a-f]{0,32}")


def find_secrets(payload, secrets):
    """Return the secrets of which `payload` shows at least the first 20 characters, in any form a form body takes."""
    found = set(TOKEN.findall(payload))
    for secret in secrets:
        forms = [
            secret,
            quote_plus(secret),
            *(base64.b64encode(b"x" * n + secret.encode()).decode()[4:] for n in range(3)),
        ]
        found |= {secret for form in forms if form[:20] in payload}
    return sorted(found)


def start_reporters():
    """Return name -> function that takes an exception and returns the payload."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what they import by the way
        return {
            "sentry-sdk": _start_sentry(),
            "rollbar": _start_rollbar(),
            "elastic-apm": _start_elastic(),
            "stackprinter": _print_stack,
            "rich": _extract_with_rich,
            "structlog": _print_json_with_structlog,
            "traceback": _print_traceback,
            "pytest": _print_with_pytest,
            "rich, printed": _print_with_rich,
            "structlog, printed": _print_with_structlog,
        }


def _start_sentry():
    import sentry_sdk
    from sentry_sdk.transport import Transport

    sent = []

    class Collecting(Transport):
        def capture_envelope(self, envelope):
            sent.append(envelope.serialize().decode())

    sentry_sdk.init(dsn="https://key@127.0.0.1:1/1", transport=Collecting)

    def report(error):
        sent.clear()
        sentry_sdk.capture_exception(error)
        return "".join(sent)

    return report


def _start_rollbar():
    import rollbar

    sent = []
    rollbar.init("a" * 32, "production", handler="blocking")
    rollbar.send_payload = lambda payload, _: sent.append(json.dumps(payload, default=repr))

    def report(error):
        sent.clear()
        rollbar.report_exc_info((type(error), error, error.__traceback__))
        return "".join(sent)

    return report


def _start_elastic():
    import elasticapm

    sent = []
    # Whatever would go to a server: its version is asked for, settings are fetched and metrics sent in the background.
    quiet = {"central_config": False, "cloud_provider": False, "metrics_interval": "0ms", "server_version": (8, 0, 0)}
    client = elasticapm.Client(service_name="tests", **quiet)
    client._transport.queue = lambda _, data, *__: sent.append(json.dumps(data, default=repr))
    client._transport._closed = True  # or Python waits ten seconds at its end until what was queued is sent

    def report(error):
        sent.clear()
        client.capture_exception((type(error), error, error.__traceback__))
        return "".join(sent)

    return report


def _print_stack(error):
    import stackprinter

    return stackprinter.format((type(error), error, error.__traceback__))


def _extract_with_rich(error):
    """What rich's tracebacks have of the error before its source is coloured, which takes most of the time."""
    from rich.traceback import Traceback

    trace = Traceback.extract(type(error), error, error.__traceback__, show_locals=True)
    shown = [f"{stack.exc_type}: {stack.exc_value}" for stack in trace.stacks]
    for frame in (frame for stack in trace.stacks for frame in stack.frames):
        shown += [f"{name} = {node}" for name, node in (frame.locals or {}).items()]
    return "\n".join(shown)


def _print_with_rich(error):
    from rich.console import Console
    from rich.traceback import Traceback

    console = Console(file=io.StringIO(), width=1000)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    return console.file.getvalue()


def _print_json_with_structlog(error):
    import structlog

    return json.dumps(structlog.processors.dict_tracebacks(None, "", {"exc_info": error}), default=repr)


def _print_with_structlog(error):
    import structlog

    pretty = structlog.dev.RichTracebackFormatter(show_locals=True, width=1000)
    on_console = structlog.dev.ConsoleRenderer(exception_formatter=pretty)
    return on_console(None, "", {"event": "failed", "exc_info": error})


def _print_traceback(error):
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def _print_with_pytest(error):
    import pytest

    with redirect_stderr(io.StringIO()):
        return str(pytest.ExceptionInfo.from_exception(error).getrepr(showlocals=True, style="long"))
