"""The calls of Playwright, watched at its classes: whatever way an agent comes by a page, locator or frame."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

from promptetheus import guard
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.playwright_actions import ACTIONS, READINGS, told
from promptetheus.adapters.playwright_looking import Steps, later, now
from promptetheus.adapters.playwright_pages import (
    PageCall,
    PageWatch,
    page_of,
    remember_page,
    remember_selector,
    selector_known,
)
from promptetheus.adapters.scope import hook

_HANDLES = frozenset({"query_selector", "query_selector_all", "wait_for_selector", "element_handle"})
"""Calls that give element handles."""

_CLOSING = ("Browser", "BrowserContext")

_looking: ContextVar[bool] = ContextVar("promptetheus_looking", default=False)
"""Whether a call is one of ours, which is not recorded."""


class Watcher(Protocol):
    """Who listens to the calls."""

    capture_content: bool

    def watch_of(self, page: Any) -> PageWatch | None:
        """The watch on a page; None when it is not this one's."""

    def before(self, call: PageCall) -> Steps[None]:
        """What is to be done on the page before a call."""

    def after(self, call: PageCall, error: BaseException | None) -> Steps[None]:
        """What is to be looked at after a call."""

    def closing(self, what: Any) -> Steps[None]:
        """A browser or a context is about to be closed."""


def class_points(who: str) -> list[PatchPoint]:
    """The patch points of all calls, sync and async. Raises RuntimeError without the library."""
    found = []
    for module in ("playwright.sync_api", "playwright.async_api"):
        api = require_extra(module, "playwright", who)
        for table, is_action in ((ACTIONS, True), (READINGS, False)):
            for owner, methods in table.items():
                for method in methods:
                    if hasattr(getattr(api, owner), method):
                        replace = functools.partial(_call, owner, method, is_action)
                        found.append(patch_point(getattr(api, owner), method, replace))
        found += [patch_point(getattr(api, owner), "close", _close) for owner in _CLOSING]
    return found


def look(steps: Steps[Any]) -> Any:
    """Run steps of ours on a sync page."""
    token = _looking.set(True)
    try:
        return now(steps)
    finally:
        _looking.reset(token)


async def look_later(steps: Steps[Any]) -> Any:
    """Run steps of ours on an async page."""
    token = _looking.set(True)
    try:
        return await later(steps)
    finally:
        _looking.reset(token)


def is_async(page: Any) -> bool:
    """Whether the calls of a page return awaitables."""
    return inspect.iscoroutinefunction(getattr(type(page), "click", None))


_Calls = list[tuple[Watcher, PageCall]]


def _call(owner: str, method: str, is_action: bool, original: Callable[..., Any], point: PatchPoint) -> Any:
    """A method of one of the classes."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def async_call(self: Any, *args: Any, **kwargs: Any) -> Any:
            calls = _begin(point, owner, method, is_action, self, args, kwargs)
            if not calls:
                return await original(self, *args, **kwargs)
            await _guarded_later(_before(calls))
            try:
                found = await original(self, *args, **kwargs)
            except BaseException as error:
                for _, call in calls:
                    call.failed(error)
                if isinstance(error, Exception):
                    await _guarded_later(_after(calls, error))
                raise
            _done(calls, method, found)
            if is_action:
                await _guarded_later(_after(calls, None))
            return found

        return async_call

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls = _begin(point, owner, method, is_action, self, args, kwargs)
        if not calls:
            return original(self, *args, **kwargs)
        _guarded_now(_before(calls))
        try:
            found = original(self, *args, **kwargs)
        except BaseException as error:
            for _, call in calls:
                call.failed(error)
            if isinstance(error, Exception):
                _guarded_now(_after(calls, error))
            raise
        _done(calls, method, found)
        if is_action:
            _guarded_now(_after(calls, None))
        return found

    return call


def _close(original: Callable[..., Any], point: PatchPoint) -> Any:
    """`close` of a browser or context: the last moment for a trace."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def async_close(self: Any, *args: Any, **kwargs: Any) -> Any:
            for watcher in point.listeners:
                await _guarded_later(watcher.closing(self))
            return await original(self, *args, **kwargs)

        return async_close

    @functools.wraps(original)
    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        for watcher in point.listeners:
            _guarded_now(watcher.closing(self))
        return original(self, *args, **kwargs)

    return close


@hook
def _begin(
    point: PatchPoint, owner: str, method: str, is_action: bool, it: Any, args: tuple[Any, ...], kwargs: Any
) -> _Calls | None:
    listeners = point.listeners
    if not listeners or _looking.get():
        return None
    page = page_of(owner, it)
    if page is None:
        return None
    calls: _Calls = []
    for watcher in listeners:
        watch = watcher.watch_of(page)
        scope = None if watch is None else watch.scope_now(is_handler=owner in ("Dialog", "FileChooser"))
        if watch is None or scope is None or any(scope.session is call.scope.session for _, call in calls):
            continue
        how = told(owner, method, it, args, kwargs, capture=watcher.capture_content)
        if owner == "ElementHandle":
            how = how._replace(target=selector_known(it) or how.target)
        frame = it if owner == "Frame" else None
        if frame is not None and frame is not page.main_frame:
            how.facts["frame"] = frame.name or frame.url
        calls.append((watcher, PageCall(watch, scope, how, is_action)))
    return calls


@hook
def _done(calls: _Calls, method: str, found: Any) -> None:
    if method in _HANDLES and found is not None:
        first, handles = calls[0][1], found if isinstance(found, list) else [found]
        remember_page(first.watch.page, *handles)
        remember_selector(first.told.target, *handles)
    for _, call in calls:
        call.done(found)


def _before(calls: _Calls) -> Steps[None]:
    for watcher, call in calls:
        yield from watcher.before(call)


def _after(calls: _Calls, error: BaseException | None) -> Steps[None]:
    for watcher, call in calls:
        yield from watcher.after(call, error)


@hook
def _guarded_now(steps: Steps[None]) -> None:
    look(steps)


async def _guarded_later(steps: Steps[None]) -> None:
    try:
        await look_later(steps)
    except Exception as error:
        guard.mistake("playwright", error)
