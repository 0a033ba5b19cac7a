"""A page under watch: what happens on it by itself, and the calls on it that are under way."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from promptetheus import context, guard
from promptetheus.adapters.model_call import error_facts
from promptetheus.adapters.once import is_known_error
from promptetheus.adapters.playwright_actions import Told, address, told_failure
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.calls import text_of

if TYPE_CHECKING:
    from promptetheus.adapters.playwright_recording import Recording

ADAPTER = "playwright"

MAX_EVENTS = 500
"""Of console errors, failed requests and the like of one page; further ones are counted as dropped."""

MAX_CALLERS = 8
"""Lines of the agent that are told of a call that failed."""

_MAX_TEXT = 2_000

_parts: WeakKeyDictionary[Any, ref[Any]] = WeakKeyDictionary()
"""The page of what does not name it: keyboards, mice, element handles."""

_found_by: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""The selectors of element handles."""


def page_of(owner: str, it: Any) -> Any:
    """The page that an object of Playwright belongs to; None when that is not known."""
    if owner == "Page":
        return it
    if owner in ("Frame", "Locator", "FileChooser", "Dialog"):
        return it.page
    known = _parts.get(it)
    return None if known is None else known()


def remember_page(page: Any, *parts: Any) -> None:
    """Keep which page these objects belong to."""
    for part in parts:
        _parts[part] = ref(page)


def remember_selector(selector: str, *handles: Any) -> None:
    """Keep by what these element handles were found."""
    for handle in handles:
        _found_by[handle] = selector


def selector_known(handle: Any) -> str | None:
    """By what an element handle was found; None when that was not seen."""
    return _found_by.get(handle)


class PageWatch:
    """What a page reports by itself, recorded from its making to `stop`.

    What comes while an action is under way is recorded after that action: the click stands before the navigation
    that it caused.

    Args:
        session: the session to record into; None for the one of the latest call on the page.
    """

    def __init__(self, page: Any, session: Any, scope: Scope | None) -> None:
        self.page = page
        self.scope = scope
        """Of the latest call: where events without a call belong to."""
        self.recording: Recording | None = None
        self.looks = 0
        """How often it was looked at without being asked."""
        self._session = session
        self._url = url_of(page)
        self._under_way = 0
        self._held: list[tuple[str, dict[str, Any]]] = []
        self._left = MAX_EVENTS
        self._handlers: dict[str, Callable[[Any], None]] = {}

    def listen(
        self, on_popup: Callable[[Any, PageWatch], None], on_close: Callable[[PageWatch], None]
    ) -> None:
        """Begin to listen. `on_popup` is told the pages that this one opens, `on_close` when it is closed."""
        page = self.page
        self._on_popup, self._on_close = on_popup, on_close
        self._handlers = {
            "close": self._closed,
            "console": self._console,
            "crash": self._crash,
            "dialogclosed": self._dialog,  # `dialog` would take over answering it
            "download": self._download,
            "framenavigated": self._navigated,
            "pageerror": self._page_error,
            "popup": self._popup,
            "requestfailed": self._request_failed,
            "response": self._response,
        }
        remember_page(page, page.keyboard, page.mouse, page.touchscreen)
        for name, handler in self._handlers.items():
            page.on(name, handler)

    def stop(self) -> None:
        """Stop listening."""
        handlers, self._handlers = self._handlers, {}
        if handlers and not self.page.is_closed():
            for name, handler in handlers.items():
                self.page.remove_listener(name, handler)

    def scope_now(self, is_handler: bool = False) -> Scope | None:
        """Where a call that begins now is recorded. `is_handler`: it is made by a handler of an event, where what
        is current is an accident of when Playwright was started."""
        latest = self.scope
        if latest is not None and latest.session._end is not None:
            latest = None
        found = (latest or scope_of(self._session)) if is_handler else (scope_of(self._session) or latest)
        if found is not None:
            self.scope = found
        return found

    def begin(self) -> None:
        """An action begins: what happens now is told after it."""
        self._under_way += 1

    def end(self) -> None:
        """An action has been recorded."""
        self._under_way = max(0, self._under_way - 1)
        held, self._held = self._held, []
        for name, what in held:
            self._record(name, what)

    def _tell(self, name: str, what: dict[str, Any]) -> None:
        if self._left <= 0:
            guard.count("dropped.page_events")
            return
        self._left -= 1
        if self._under_way:
            self._held.append((name, what))
        else:
            self._record(name, what)

    def _record(self, name: str, what: dict[str, Any]) -> None:
        scope = self.scope or scope_of(self._session)
        if scope is None or scope.session._end is not None:
            return
        if name == "crash":
            scope.error("The page crashed.", what, "PageCrash")
        elif name == "navigation":
            scope.record("state_change", {"name": name, "before": what["from"], "after": what["to"]})
        else:
            scope.record("state_change", {"name": name, "before": None, "after": what}, {"url": self._url})

    @hook
    def _navigated(self, frame: Any) -> None:
        if frame is not self.page.main_frame:
            return
        before, self._url = self._url, address(frame.url)
        if before != self._url:
            self._tell("navigation", {"from": before, "to": self._url})

    @hook
    def _console(self, message: Any) -> None:
        # A request that failed is told as such.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            place = message.location
            where = {"url": address(place.get("url", "")), "line": place.get("lineNumber")}
            self._tell("console_error", {"text": message.text[:_MAX_TEXT], **where})

    @hook
    def _page_error(self, error: Any) -> None:
        found = {"type": text_of(getattr(error, "name", None) or "Error"), "text": text_of(error)[:_MAX_TEXT]}
        stack = getattr(error, "stack", None)
        self._tell("page_error", {**found, "stack": stack[:_MAX_TEXT]} if isinstance(stack, str) else found)

    @hook
    def _request_failed(self, request: Any) -> None:
        why = text_of(request.failure or "")
        if "ABORTED" not in why:  # the page itself went elsewhere
            self._tell("request_failed", {**_request(request), "failure": why})

    @hook
    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self._tell("http_error", {**_request(response.request), "status": response.status})

    @hook
    def _dialog(self, dialog: Any) -> None:
        self._tell("dialog", {"type": dialog.type, "message": dialog.message[:_MAX_TEXT]})

    @hook
    def _download(self, download: Any) -> None:
        self._tell(
            "download", {"file": download.suggested_filename, "url": address(download.url)[:_MAX_TEXT]}
        )

    @hook
    def _popup(self, page: Any) -> None:
        self._tell("popup", {"url": address(page.url)})
        self._on_popup(page, self)

    @hook
    def _closed(self, page: Any) -> None:
        self._on_close(self)

    @hook
    def _crash(self, page: Any) -> None:
        self._tell("crash", {"during": "page", "url": self._url})


class PageCall:
    """A call on a page, from its start to its event, which is written once.

    Args:
        told: how it is told.
        is_action: whether it is told when it succeeds, too.
    """

    def __init__(self, watch: PageWatch, scope: Scope, told: Told, is_action: bool) -> None:
        self.watch, self.scope, self.told = watch, scope, told
        self._is_action = is_action
        self._started_s = time.monotonic()
        self._is_open = True
        if is_action:
            watch.begin()
            scope.session._unfinished[self] = True

    @hook
    def done(self, found: Any) -> None:
        """The call returned."""
        if self.told.action == "goto" and found is not None:
            self._write(status_code=found.status)
        elif self.told.action == "screenshot" and isinstance(found, bytes):
            record_picture(self.scope, found, {"of": self.told.target, "url": url_of(self.watch.page)})
        else:
            self._write()

    @hook
    def failed(self, error: BaseException) -> None:
        """The call ended in an exception, which is the agent's to handle."""
        is_error = isinstance(error, Exception)
        self._is_action, was_action = True, self._is_action
        if not was_action:
            self.watch.begin()
        facts = error_facts(error)
        facts["message"] = told_failure(facts["message"], self.told)
        self._write(status="failed" if is_error else "cancelled", error=facts)
        if isinstance(error, Exception) and not is_known_error(self.scope.session, ADAPTER, error):
            lines = "".join([*_callers(), *traceback.format_exception(error)])
            payload = {"error_type": facts["error_type"], "handled": True, "message": facts["message"]}
            self.scope.record(
                "error",
                {**payload, "traceback": told_failure(lines, self.told)},
                {"during": "browser_action", "action": self.told.action, "target": self.told.target},
            )

    @hook
    def cut_off(self) -> None:
        """The session ends while the call is under way."""
        self._write(status="unfinished")

    def _write(self, **facts: Any) -> None:
        if not self._is_action or not self._is_open:
            return
        self._is_open = False
        self.scope.session._unfinished.pop(self, False)
        known = {
            **self.told.facts,
            "duration_ms": round((time.monotonic() - self._started_s) * 1000),
            **facts,
        }
        action, target = self.told.action, self.told.target
        payload = {"action": action, "target": target, "url": url_of(self.watch.page)}
        event = self.scope.record("browser_action", payload, known)
        if self.watch.recording is not None:
            self.watch.recording.mark(event, self._started_s)
        self.watch.end()


def url_of(page: Any) -> str:
    """The address of a page, also of an object that only looks like one."""
    return address(getattr(page, "url", ""))


def record_picture(scope: Scope, data: bytes, metadata: dict[str, Any]) -> None:
    """A `screenshot` event."""
    if scope.session._end is None:
        with context.Place((scope.session, scope.spans)):
            scope.session.screenshot(data, metadata=metadata)


def record_snapshot(scope: Scope, found: dict[str, Any]) -> Any:
    """A `dom_snapshot` event, of what `playwright_looking.snapshot` found."""
    if scope.session._end is not None:
        return None
    with context.Place((scope.session, scope.spans)):
        return scope.session.dom_snapshot(**found)


def _callers() -> list[str]:
    """The agent's lines that led to a call: the traceback of the exception begins only in ours."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("promptetheus."):
        frame = frame.f_back
    return ["Called from:\n", *traceback.format_stack(frame, limit=MAX_CALLERS)] if frame is not None else []


def _request(request: Any) -> dict[str, Any]:
    found = {"method": request.method, "url": address(request.url), "resource": request.resource_type}
    return {name: text_of(value) for name, value in found.items()}
