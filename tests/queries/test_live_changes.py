from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from promptetheus.queries import live
from promptetheus.queries.live import Watcher, changes
from tests.builders import a_session
from tests.queries.written import append, line

DEADLINE_S = 20


async def wait_for(found: AsyncIterator[set[Path]], wanted: Callable[[set[Path]], bool]) -> set[Path]:
    async with asyncio.timeout(DEADLINE_S):
        async for paths in found:
            if wanted(paths):
                return paths
    raise AssertionError("the changes ended")


@pytest.fixture(params=["native", "polling"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_new_grown_and_deleted_files_are_named(spool: Path, mode: str) -> None:
    path = a_session("a").write(spool)
    stop = asyncio.Event()
    watcher = Watcher(spool, force_polling=mode == "polling")
    found = watcher.changes(stop)
    assert await wait_for(found, bool) == {spool}
    assert watcher.mode == mode
    append(path, line("a", 1))
    assert path in await wait_for(found, lambda paths: path in paths)
    other = a_session("b").write(spool)
    assert other in await wait_for(found, lambda paths: other in paths)
    path.unlink()
    assert path in await wait_for(found, lambda paths: path in paths)
    stop.set()
    async with asyncio.timeout(DEADLINE_S):
        async for _ in found:
            pass
    await found.aclose()


async def test_other_files_are_not_named(spool: Path, mode: str) -> None:
    spool.mkdir()
    found = Watcher(spool, force_polling=mode == "polling").changes(asyncio.Event())
    await wait_for(found, bool)
    (spool / "a.delivery.json").touch()
    (spool / "artifacts").mkdir()
    path = a_session("a").write(spool)
    seen = await wait_for(found, lambda paths: path in paths)
    assert seen <= {path, spool}
    await found.aclose()


async def test_a_directory_that_appears_later_is_watched(spool: Path, mode: str) -> None:
    watcher = Watcher(spool, force_polling=mode == "polling")
    found = watcher.changes(asyncio.Event())
    first = asyncio.ensure_future(wait_for(found, bool))
    await asyncio.sleep(0)
    assert watcher.mode == "waiting"
    a_session("a").write(spool)
    assert await first  # it may hold the root or the file: both make the reader look
    assert watcher.mode == mode
    await found.aclose()


async def test_a_directory_that_is_replaced_is_watched_again(spool: Path, mode: str) -> None:
    a_session("a").write(spool)
    watcher = Watcher(spool, force_polling=mode == "polling")
    found = watcher.changes(asyncio.Event())
    await wait_for(found, lambda paths: spool in paths)
    shutil.rmtree(spool)
    path = a_session("b").write(spool)
    await wait_for(found, lambda paths: spool in paths)
    await wait_for(found, lambda paths: spool in paths)  # the new directory, watched
    append(path, line("b", 1))
    await wait_for(found, lambda paths: path in paths)
    await found.aclose()


async def test_waiting_can_be_cancelled_at_once(spool: Path) -> None:
    spool.mkdir()
    found = Watcher(spool).changes(asyncio.Event())
    await wait_for(found, bool)
    waiting = asyncio.ensure_future(wait_for(found, lambda _: False))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(live.HEARTBEAT_MS / 1000 / 2):
            await waiting


async def test_the_short_form_gives_the_same(spool: Path) -> None:
    spool.mkdir()
    stop = asyncio.Event()
    async for paths in changes(spool, stop=stop):
        assert paths == {spool}
        stop.set()


STARVED = """
import asyncio, concurrent.futures.thread, os, resource, sys
from pathlib import Path
from promptetheus.queries import inotify
from promptetheus.queries.live import Watcher

async def main(root):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        os.close(held.pop())  # for the directory; a watch needs one more
    watcher, stop = Watcher(root), asyncio.Event()
    async for found in watcher.changes(stop):
        print(watcher.mode, found == {root}, watcher.reason)
        stop.set()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_process_without_descriptors_polls_and_says_why(spool: Path) -> None:
    spool.mkdir()
    found = subprocess.run(
        [sys.executable, "-c", STARVED, str(spool)], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.startswith("polling True [Errno 24] no inotify instance is left")


WATCHING = """
import asyncio, sys
from pathlib import Path
from promptetheus.queries.live import Watcher

async def main(root):
    watcher, stop = Watcher(root), asyncio.Event()
    async for found in watcher.changes(stop):
        print(watcher.mode, sorted(path.name for path in found), watcher.reason)
        if found != {root}:
            stop.set()
        (root / "new.jsonl").touch()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_without_watches_it_polls_and_says_why(spool: Path, limit: str) -> None:
    """The real limits, used up in a user namespace of the program's own."""
    spool.mkdir()
    script = f'echo 0 > /proc/sys/user/{limit} && exec "$@"'
    words = [sys.executable, "-c", WATCHING, str(spool)]
    apart = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    try:
        subprocess.run([*apart, "true"], capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no user namespaces here")
    found = subprocess.run([*apart, *words], capture_output=True, text=True, timeout=60, check=True)
    first, *_, last = found.stdout.splitlines()
    assert first.startswith("polling ['spool'] [Errno")
    assert f"fs.inotify.{limit.replace('inotify', 'user')}" in first
    assert last.startswith("polling ['new.jsonl']")


async def test_what_nobody_has_fetched_is_told_at_once(spool: Path) -> None:
    """A reader that falls behind gets one set, not a queue of them."""
    spool.mkdir()
    found = Watcher(spool).changes(asyncio.Event())
    await wait_for(found, bool)
    paths = {spool / f"s{number}.jsonl" for number in range(50)}
    for path in sorted(paths):
        path.touch()
        await asyncio.sleep(0.01)
    seen: set[Path] = set()
    rounds = 0
    while not paths <= seen:
        seen |= await wait_for(found, bool)
        rounds += 1
    assert rounds < 10
    await found.aclose()
