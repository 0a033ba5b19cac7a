"""Explicit control of the run's boundary: `with promptetheus.trace.start(...) as session`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from promptetheus import guard
from promptetheus.propagation import inherited_metadata
from promptetheus.recorder import copied
from promptetheus.sampling import TailSamplingPolicy
from promptetheus.session import Session
from promptetheus.settings import get_config
from promptetheus.sinks import NAMED_TRANSPORTS, Delivery, report_unknown_transport
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.redaction import Redactor

_SESSION_OPTIONS = frozenset(Session.__init__.__kwdefaults__ or ()) | {"agent", "user_goal"}
_DELIVERY_OPTIONS = frozenset({"api_key", "endpoint"})
"""Taken for where delivery sends the spool; recording does not need them."""


def start(
    *,
    agent: str,
    user_goal: str,
    session_id: str | None = None,
    project_id: str | None = None,
    api_key: str | None = None,
    environment: str | None = None,
    transport: Any = None,
    endpoint: str | None = None,
    spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
    redact: Redactor | Literal["default"] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: list[str] | tuple[str, ...] | None = None,
    sample_rate: float | None = None,
    tail_sample: bool = False,
    event_sample_rates: Mapping[str, float] | None = None,
    tail_policy: TailSamplingPolicy | None = None,
    **ignored: Any,
) -> Session:
    """A session that has not begun: enter it with `with`, or call its helpers and then `end`.

    What is not given of `project_id`, `environment`, `redact` and `sample_rate` comes from the settings.
    `api_key` and `endpoint` name where delivery sends the spool; recording does not need them. An unknown
    argument is reported once and ignored.
    """
    given = {name: value for name, value in locals().items() if name != "ignored"}
    return new_session({**ignored, **given})


def new_session(options: Mapping[str, Any], *, in_loop: bool = False) -> Session:
    """The session for the arguments of `start`; an `AsyncSession` when it runs `in_loop`."""
    unknown = set(options) - _SESSION_OPTIONS - _DELIVERY_OPTIONS
    if unknown:
        guard.report("settings.invalid", f"start() ignores unknown arguments: {', '.join(sorted(unknown))}")
    config = get_config()
    chosen = {name: value for name, value in options.items() if name in _SESSION_OPTIONS}
    defaults = {
        "project_id": config.project_id,
        "environment": config.environment,
        "redact": "default" if config.redact == "default" else None,
        "sample_rate": config.sample_rate,
    }
    inherited = inherited_metadata()
    if inherited:
        chosen["metadata"] = {**inherited, **copied(chosen.get("metadata"))}
    for name, default in defaults.items():
        if chosen.get(name) is None:
            chosen[name] = default
    transport = chosen.get("transport")
    endpoint, api_key = _text(options.get("endpoint")), _text(options.get("api_key"))
    if (endpoint or api_key) and (transport is None or isinstance(transport, str)):
        chosen["transport"] = Delivery(transport or "auto", endpoint, api_key)
    if in_loop:
        from promptetheus.async_session import AsyncSession

        return AsyncSession(**chosen)
    return Session(**chosen)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def resolve_transport(
    transport: Any = "auto",
    *,
    endpoint: str | None = None,
    api_key: str | None = None,
    spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
) -> Any:
    """The transport object for a name; an object is returned as it is.

    `"auto"`, None and `"http"` give a `DurableHTTPTransport` when there is a key, from here, from the environment
    or from the settings. Without one `"http"` raises ValueError, the others give a `LocalSpoolTransport`, as
    `"spool"` does. A name that is unknown is reported and gives the spool, too.
    """
    from promptetheus.transport import InMemoryTransport, LocalSpoolTransport

    if transport is not None and not isinstance(transport, str):
        return transport
    if transport == "memory":
        return InMemoryTransport()
    if transport not in (None, *NAMED_TRANSPORTS):
        report_unknown_transport(transport)
    if transport in (None, "auto", "http"):
        from promptetheus.delivery.destination import destination

        target = destination(endpoint, api_key)
        if target is not None:
            from promptetheus.transport import DurableHTTPTransport

            return DurableHTTPTransport(target.api_url, target.api_key, spool_dir=spool_dir)
        if transport == "http":
            if not (endpoint or os.environ.get("PROMPTETHEUS_API_URL") or get_config().api_url):
                raise ValueError("transport='http' needs an endpoint or PROMPTETHEUS_API_URL")
            raise ValueError("transport='http' needs an api_key or PROMPTETHEUS_API_KEY")
    return LocalSpoolTransport(spool_dir)
