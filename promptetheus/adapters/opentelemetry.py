"""OpenTelemetry, both ways: our sessions as spans, and the spans of other instrumentations as events."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from promptetheus import context, guard
from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.otel_inbound import OWN_SCOPE, SpanIntake
from promptetheus.adapters.otel_outbound import SpanExport
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook

EXTRA = "otel"


class OpenTelemetryBridge(Attached):
    """Our events as OpenTelemetry spans, and spans as our events.

        with pt.start(agent="booker", user_goal="…") as session, OpenTelemetryBridge(session):
            …                                               # everything the session records becomes spans

        provider.add_span_processor(OpenTelemetryBridge().processor())
        …                                                   # GenAI and OpenInference spans become events

    Nothing is exported until it is attached (`with`, or `attach`), except by its own helpers: every method of a
    session can be called on the bridge, is passed on to the session, and its event becomes a span at once.

    Args:
        session: the session; default the one that is current when a method is called.
        tracer: the OpenTelemetry tracer that makes the spans; default `get_tracer("promptetheus")`.

    Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, tracer: Any = None) -> None:
        super().__init__()
        api = require_extra("opentelemetry.trace", EXTRA, "OpenTelemetryBridge")
        self.session = session
        self._export = SpanExport(api.get_tracer(OWN_SCOPE) if tracer is None else tracer)
        self._point: PatchPoint | None = None

    @hook
    def mirror(self, event: Mapping[str, Any]) -> None:
        """Make a span of an event that was recorded elsewhere."""
        self._export.add(dict(event))

    def event(self, *args: Any, **kwargs: Any) -> Any:
        """`Session.event`, mirrored. An empty dictionary when it could not be recorded."""
        return self._mirrored("event", args, kwargs)

    @contextmanager
    def span(self, name: str, metadata: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """`Session.span`, mirrored."""
        with Following(self), self._session().span(name, metadata) as span_id:
            yield span_id

    def processor(self, *, capture_content: bool = False) -> Any:
        """A span processor for a `TracerProvider` of the SDK, which records the GenAI and OpenInference spans of
        any library into the session. `capture_content`: the prompts too, redacted, where the spans hold them."""
        base = require_extra("opentelemetry.sdk.trace", EXTRA, "OpenTelemetryBridge").SpanProcessor
        made = type("PromptetheusSpanProcessor", (_Processor, base), {})()
        made.intake = SpanIntake(self.session, capture_content)
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "session":
            raise AttributeError(name)
        return functools.partial(self._call, name)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._mirrored(name, args, kwargs)

    def _mirrored(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        session = self._session()
        method = getattr(session, name)
        if self._attached:  # the session tells us itself
            return method(*args, **kwargs)
        event = _recorded(method, args, kwargs)
        if isinstance(event, dict) and "payload" in event:
            self.mirror(event)
        return event

    def _session(self) -> Any:
        return context.current() if self.session is None else self.session

    def _attach(self) -> None:
        session = self._session()
        if isinstance(session, context.NoopSession):
            raise RuntimeError("there is no session to follow: give one, or attach inside of its block")
        self._point = patch_point(session, "_record", _record)
        self._point.add(self)

    def _detach(self) -> None:
        if self._point is not None:
            self._point.remove(self)
            self._point = None


class Following:
    """A bridge that is attached inside a block, if it was not."""

    def __init__(self, bridge: OpenTelemetryBridge) -> None:
        self._bridge, self._was = bridge, bridge.attached

    @hook
    def __enter__(self) -> None:
        self._bridge.attach()

    @hook
    def __exit__(self, *exc: Any) -> None:
        if not self._was:
            self._bridge.detach()


class _Processor:
    """What OpenTelemetry's SDK calls."""

    intake: SpanIntake

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.intake.begin(span)

    def on_end(self, span: Any) -> None:
        self.intake.end(span)

    def shutdown(self) -> None:
        """Nothing to close: an event is written when it happens."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def _record(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`Session._record`, through which every event goes."""

    @functools.wraps(original)
    def record(*args: Any, **kwargs: Any) -> Any:
        event = original(*args, **kwargs)
        for bridge in point.listeners if event else ():
            bridge.mirror(event)
        return event

    return record


def _recorded(method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the session's method gives; {} when the session is broken."""
    try:
        return method(*args, **kwargs)
    except Exception as error:
        guard.report("failed.event", "the session could not record", error)
        return {}
