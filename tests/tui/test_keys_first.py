"""News of a stream wait for the answers to keys, and never for long."""

from __future__ import annotations

import asyncio
import time

from promptetheus.tui.session.keys_first import ANSWER_S, KeysFirst


async def test_news_do_not_wait_while_nobody_presses_a_key() -> None:
    keys = KeysFirst(lambda: float("-inf"))
    waiting = asyncio.ensure_future(keys.wait())
    await asyncio.sleep(0)
    assert waiting.done(), "it did not even sleep"


async def test_news_wait_for_the_answer_to_a_key() -> None:
    pressed = time.monotonic()
    keys = KeysFirst(lambda: pressed)
    waiting = asyncio.ensure_future(keys.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting


async def test_news_are_shown_although_key_follows_key() -> None:
    keys = KeysFirst(time.monotonic)
    await asyncio.wait_for(keys.wait(), 20)


def test_a_thread_holds_until_a_key_is_answered_or_its_time_is_up() -> None:
    began = time.monotonic()
    KeysFirst(lambda: float("-inf")).hold(began + 3600)
    assert time.monotonic() - began < 60, "nobody pressed a key"
    pressed = time.monotonic()
    KeysFirst(lambda: pressed).hold(pressed + 3600)
    assert time.monotonic() - pressed >= ANSWER_S
    began = time.monotonic()
    KeysFirst(lambda: time.monotonic() + 3600).hold(began + 0.01)
    assert time.monotonic() - began >= 0.01, "key follows key"
