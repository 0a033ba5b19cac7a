"""News of a stream wait for the answers to keys, and never for long."""

from __future__ import annotations

import asyncio
import time

from promptetheus.tui.session.keys_first import KeysFirst


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
