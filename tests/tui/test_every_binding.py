"""Every key of every place does something: its action is there, does not raise, and one sees or reads what it did.

What exactly a key does is tested with its view; here no binding can be forgotten. A new one is pressed by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import Screen

from promptetheus.settings import Config, override_config
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.inspector.page_view import PageView
from tests.tui.conftest import OnScreen, on_screen, screen_looks
from tests.tui.recorded import NOW
from tests.tui.scenes import SCENES, Scene
from tests.tui.test_shell_app import our_binding_classes


def presses() -> Iterator[Any]:
    """Every scene with every key of the classes that are at hand in it, and the demo's where nothing is recorded."""
    for name, scene in SCENES.items():
        for owner in scene.owners:
            for binding in Binding.make_bindings(owner.BINDINGS):
                if (owner.__name__, binding.key) != (
                    "SessionsScreen",
                    "D",
                ) and binding.key not in scene.without:
                    yield pytest.param(scene, owner, binding, id=f"{name}-{owner.__name__}-{binding.key}")
    demo = next(each for each in Binding.make_bindings(SESSIONS.BINDINGS) if each.key == "D")
    yield pytest.param(SCENES["nothing recorded"], SESSIONS, demo, id="nothing recorded-SessionsScreen-D")


SESSIONS = SCENES["sessions"].owners[0]


def test_every_class_with_keys_has_a_scene_in_which_they_are_pressed() -> None:
    covered = {owner for scene in SCENES.values() for owner in scene.owners}
    assert set(our_binding_classes()) == covered


@pytest.fixture(autouse=True)
def a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys write files and record demos where the program was started, and no key reaches a desktop or an API."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("PROMPTETHEUS_API_KEY", "PROMPTETHEUS_API_URL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with override_config(Config()):
        yield


@pytest.fixture
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, str]]:
    """What was looked for an action, and which; only where it was found."""
    found: list[tuple[object, str]] = []
    dispatch = PromptetheusApp._dispatch_action

    async def watched(self: PromptetheusApp, namespace: Any, action: str, parameters: Any) -> bool:
        is_done = await dispatch(self, namespace, action, parameters)
        if is_done:
            found.append((namespace, action))
        return is_done

    monkeypatch.setattr(PromptetheusApp, "_dispatch_action", watched)
    return found


def what_one_sees(shown: OnScreen) -> tuple[object, ...]:
    """What a person can tell from before: what is on screen, was said or copied, has the keys; or that it ended."""
    app = shown.app
    assert isinstance(app, PromptetheusApp)
    if app.return_code is not None:
        return ("ended",)
    said = sum(message.times for message in app.said.newest_first())
    return len(app.screen_stack), app.screen, screen_looks(app), said, app.clipboard, app.focused


@pytest.mark.parametrize(("scene", "owner", "binding"), list(presses()))
async def test_a_key_does_something(
    spool: Path, dispatched: list[tuple[object, str]], scene: Scene, owner: type[Any], binding: Binding
) -> None:
    scene.record(spool)
    app = PromptetheusApp(spool, clock=lambda: NOW, start=scene.start(spool))
    async with on_screen(app) as shown:
        await scene.go(shown)
        await shown.press(*scene.before.get(binding.key, ()))
        await shown.pilot.pause()
        before = what_one_sees(shown)
        dispatched.clear()
        await shown.pilot.press(binding.key)
        action = binding.action.partition("(")[0]
        places = (owner, PageView, Screen) if action.startswith("screen.") else (owner, PageView)
        action = action.removeprefix("screen.")
        await shown.until(
            # The page that has the keys answers enter in the place of the screen around it.
            lambda: any(done == action and isinstance(each, places) for each, done in dispatched),
            what=f"{binding.key} reaches {owner.__name__}.{action}",
        )
        await shown.until(
            lambda: what_one_sees(shown) != before, what=f"{binding.key} ({binding.action}) shows"
        )
