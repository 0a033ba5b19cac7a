"""Playwright: what an agent does in a browser, what the pages make of it, and what they look like."""

from __future__ import annotations

import inspect
from typing import Any, Literal, Self
from weakref import WeakSet

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.playwright_actions import told
from promptetheus.adapters.playwright_calls import class_points, is_async, look, look_later
from promptetheus.adapters.playwright_looking import (
    Steps,
    picture,
    plain_snapshot,
    snapshot,
    tried,
)
from promptetheus.adapters.playwright_pages import (
    PageCall,
    PageWatch,
    record_picture,
    record_snapshot,
    url_of,
)
from promptetheus.adapters.playwright_recording import Recording, VideoUnderWay, start_trace, stop_trace
from promptetheus.adapters.scope import hook, scope_of
from promptetheus.calls import text_of

EXTRA = "playwright"

When = Literal["never", "failure", "action"]
"""When a page is looked at without being asked: after actions that failed, or after every action."""

MAX_LOOKS = 100
"""Actions of one page after which it is looked at without being asked."""

_adapted: WeakSet[Any] = WeakSet()
"""Pages that an adapter has: the patch of all pages leaves them to it."""


class _Watcher(Attached):
    """Watches of pages, and what is looked at on them."""

    def __init__(
        self, who: str, session: Any, capture_content: bool, screenshots: When, snapshots: When
    ) -> None:
        super().__init__()
        for given in (screenshots, snapshots):
            if given not in ("never", "failure", "action"):
                raise ValueError(f"{given!r} is none of 'never', 'failure', 'action'")
        self.session = session
        self.capture_content = capture_content
        self._screenshots, self._snapshots = screenshots, snapshots
        self._points = class_points(who)
        self._watches: dict[int, PageWatch] = {}

    def watch_of(self, page: Any) -> PageWatch | None:
        """The watch on a page; None when it is not this one's."""
        return self._watches.get(id(page))

    def before(self, call: PageCall) -> Steps[None]:
        """What is to be done on the page before a call."""
        yield from ()

    def after(self, call: PageCall, error: BaseException | None) -> Steps[None]:
        """Look at the page after a call."""
        watch = call.watch
        wanted = ("action",) if error is None else ("action", "failure")
        is_answer = call.told.action.startswith("dialog_")  # the page waits for it, and would not answer us
        if is_answer or watch.looks >= MAX_LOOKS or watch.page.is_closed():
            return
        watch.looks += self._screenshots in wanted or self._snapshots in wanted
        if self._screenshots in wanted:
            data = yield from picture(watch.page)
            if data is not None:
                record_picture(call.scope, data, {"after": call.told.action, "url": url_of(watch.page)})
        if self._snapshots in wanted:
            found = yield from snapshot(watch.page)
            if found is not None:
                record_snapshot(call.scope, found)

    def closing(self, what: Any) -> Steps[None]:
        """A browser or a context is about to be closed."""
        yield from ()

    def _watch(self, page: Any, opener: PageWatch | None = None) -> PageWatch:
        scope = scope_of(self.session) if opener is None else opener.scope
        watch = PageWatch(page, self.session, scope)
        self._watches[id(page)] = watch
        watch.listen(self._opened, self._closed)
        if opener is not None:
            watch.recording = opener.recording
        return watch

    def _opened(self, page: Any, opener: PageWatch) -> None:
        if id(page) not in self._watches:
            self._watch(page, opener)

    def _closed(self, watch: PageWatch) -> None:
        self._watches.pop(id(watch.page), None)

    def _attach(self) -> None:
        for point in self._points:
            point.add(self)

    def _detach(self) -> None:
        for point in self._points:
            point.remove(self)
        watches, self._watches = list(self._watches.values()), {}
        for watch in watches:
            watch.stop()


class _PageWatcher(_Watcher):
    """The watches on one page and on those that it opens."""

    def __init__(self, page: Any, frames: bool, started_at: float | None, *options: Any) -> None:
        super().__init__("PlaywrightAdapter", *options)
        self._page = page
        self.recording = Recording(started_at)
        self._wants_frames = frames
        self.has_frames = False
        """Whether a trace is running for its pictures."""
        self.attach()

    def before(self, call: PageCall) -> Steps[None]:
        """Begin the film with the first call."""
        if self._wants_frames:
            self._wants_frames = False
            self.has_frames = yield from start_trace(call.watch.page)
            self.recording.restart()

    def closing(self, what: Any) -> Steps[None]:
        """The last moment for the pictures."""
        if self.has_frames and what in (self._page.context, self._page.context.browser):
            yield from self.end_frames()

    def end_frames(self) -> Steps[Any]:
        """End the trace and record its pictures."""
        self.has_frames = False
        watch = self._watches.get(id(self._page))
        scope = scope_of(self.session) or (None if watch is None else watch.scope)
        return (yield from stop_trace(self._page, self.recording, scope))

    def _watch(self, page: Any, opener: PageWatch | None = None) -> PageWatch:
        _adapted.add(page)
        watch = super()._watch(page, opener)
        watch.recording = self.recording
        return watch

    def _closed(self, watch: PageWatch) -> None:
        if watch.page is not self._page:
            super()._closed(watch)
        elif not self.has_frames:
            self.detach()

    def _attach(self) -> None:
        super()._attach()
        if not self._page.is_closed():
            self._watch(self._page)

    def _detach(self) -> None:
        for watch in self._watches.values():
            _adapted.discard(watch.page)
        super()._detach()


class PlaywrightAdapter:
    """A page of Playwright, sync or async, that is recorded: its actions, also through locators, frames, element
    handles, keyboard and mouse, those on pages it opens, and what the pages report.

        page = PlaywrightAdapter(browser.new_page())
        page.goto("https://example.com")
        page.get_by_role("button", name="Book").click()

    Use it as you would use the page, or go on using the page itself: both are recorded, until the page is closed,
    `detach`, or the end of a `with` block, which also records the film (`finish`). For an async page what it gives is
    awaited as the page's own, and `async with` is the block.

    Args:
        page: a page of Playwright, or an object with its methods.
        session: the session to record into; default the one that is current at each call.
        recording_started_at: when the video of the page began, in monotonic seconds; default now.
        capture_content: record which options are selected. What is typed is never recorded.
        screenshots: when to take pictures without being asked, fields for secrets covered.
        snapshots: when to read the page without being asked, fields for secrets left out.
        record_frames: keep pictures of the run out of a trace, from the first call to `finish` or to the closing of
            the browser context; unlike videos they need no ffmpeg. Typed text can be seen in them.

    Raises RuntimeError without the library, ValueError for another `screenshots` or `snapshots`.
    """

    def __init__(
        self,
        page: Any,
        session: Any = None,
        *,
        recording_started_at: float | None = None,
        capture_content: bool = False,
        screenshots: When = "failure",
        snapshots: When = "failure",
        record_frames: bool = False,
    ) -> None:
        kinds = [
            require_extra(f"playwright.{api}", EXTRA, "PlaywrightAdapter").Page
            for api in ("sync_api", "async_api")
        ]
        self.page = page
        self.session = session
        self._is_async = is_async(page)
        self._is_finished = False
        self._watcher: _PageWatcher | None = None
        if isinstance(page, tuple(kinds)):
            options = session, capture_content, screenshots, snapshots
            self._watcher = _PageWatcher(page, record_frames, recording_started_at, *options)
        self._plain_watch = PageWatch(page, session, scope_of(session))
        """For an object that only looks like a page."""
        self._plain_watch.recording = Recording(recording_started_at)

    def click(self, *args: Any, **kwargs: Any) -> Any:
        """`Page.click`."""
        return self._act("click", args, kwargs)

    def fill(self, *args: Any, **kwargs: Any) -> Any:
        """`Page.fill`. The text is not recorded."""
        return self._act("fill", args, kwargs)

    def goto(self, *args: Any, **kwargs: Any) -> Any:
        """`Page.goto`."""
        return self._act("goto", args, kwargs)

    def press(self, *args: Any, **kwargs: Any) -> Any:
        """`Page.press`. Keys that type a character are recorded as such only."""
        return self._act("press", args, kwargs)

    def select_option(self, *args: Any, **kwargs: Any) -> Any:
        """`Page.select_option`, recorded as the action `select`."""
        return self._act("select_option", args, kwargs)

    def snapshot(self) -> Any:
        """Record what the page shows as a `dom_snapshot`: text, selected values, warnings, accessibility tree.

        Returns the event; None when the page does not answer within 2 s. Awaitable for an async page.
        """
        scope = self._current_watch().scope_now()

        def steps() -> Steps[Any]:
            if scope is None:
                return None
            found = yield from (plain_snapshot if self._watcher is None else snapshot)(self.page)
            return None if found is None else record_snapshot(scope, found)

        return look_later(steps()) if self._is_async else look(steps())

    def screenshot(self, **kwargs: Any) -> Any:
        """`Page.screenshot`, recorded; its bytes. Awaitable for an async page."""
        return self._act("screenshot", (), kwargs)

    def finish(self) -> Any:
        """Record the film of the page as a `replay_artifact`: its video, or its frames. Once.

        Returns the event; None when there is no film, or it is not complete yet: a video is when its browser context
        is closed, and recorded then. Awaitable for an async page.
        """
        steps = self._finish()
        return look_later(steps) if self._is_async else look(steps)

    def detach(self) -> None:
        """Stop recording; `finish` is not called."""
        if self._watcher is not None:
            self._watcher.detach()

    def stop(self) -> None:
        """The same as `detach`."""
        self.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        if not self._is_async:
            self.finish()
        self.detach()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        found = self.finish()
        if inspect.isawaitable(found):
            await found
        self.detach()

    def __getattr__(self, name: str) -> Any:
        if name == "page":  # not made yet: a copy or a pickle asks for it
            raise AttributeError(name)
        return getattr(self.page, name)

    def _act(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        act = getattr(self.page, method)
        if self._watcher is not None:  # the page's own class is watched
            return act(*args, **kwargs)
        call = self._begin(method, args, kwargs)
        try:
            found = act(*args, **kwargs)
        except BaseException as error:
            if call is not None:
                call.failed(error)
            raise
        if call is None:
            return found
        if inspect.isawaitable(found):
            return _awaited(found, call)
        call.done(found)
        return found

    @hook
    def _begin(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PageCall | None:
        scope = self._plain_watch.scope_now()
        if scope is None:
            return None
        return PageCall(
            self._plain_watch, scope, told("Page", method, self.page, args, kwargs), method != "screenshot"
        )

    def _current_watch(self) -> PageWatch:
        found = None if self._watcher is None else self._watcher.watch_of(self.page)
        return found or self._plain_watch

    def _finish(self) -> Steps[Any]:
        if self._is_finished:
            return None
        self._is_finished = True
        if self._watcher is not None and self._watcher.has_frames:
            return (yield from self._watcher.end_frames())
        watch = self._current_watch()
        scope, video = watch.scope_now(), getattr(self.page, "video", None)
        if scope is None or video is None:
            return None
        path = yield from tried(video.path)
        recording = self._plain_watch.recording if self._watcher is None else self._watcher.recording
        if path is None or recording is None:
            return None
        if self._watcher is None or self.page.is_closed():
            return recording.record(scope, text_of(path))
        under_way = VideoUnderWay(recording, scope, text_of(path))
        self.page.context.on("close", under_way.context_closed)
        return None


class PlaywrightPatch(_Watcher):
    """Records every page of the process, from the first call on it. Attached when it is made.

    Takes the options of `PlaywrightAdapter` but those for films; pages that an adapter has are left to it. Raises
    RuntimeError without the library.
    """

    def __init__(
        self,
        session: Any = None,
        *,
        capture_content: bool = False,
        screenshots: When = "failure",
        snapshots: When = "failure",
    ) -> None:
        super().__init__("PlaywrightPatch", session, capture_content, screenshots, snapshots)
        self.attach()

    def watch_of(self, page: Any) -> PageWatch | None:
        """The watch on a page, a new one when the page is new and something is to be recorded."""
        known = super().watch_of(page)
        if page in _adapted:
            if known is not None:
                self._closed(known)
                known.stop()
            return None
        if known is None and scope_of(self.session) is not None and not page.is_closed():
            return self._watch(page)
        return known


async def _awaited(found: Any, call: PageCall) -> Any:
    try:
        value = await found
    except BaseException as error:
        call.failed(error)
        raise
    call.done(value)
    return value
