"""A gateway, a spool with sessions in it, and no settings of the developer's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.uploader import close_all
from promptetheus.settings import Config, override_config
from tests.delivery import stub_gateway
from tests.delivery.stub_gateway import KEY, StubGateway

Record = Callable[..., Path]


@pytest.fixture
def gateway(no_settings: None) -> Iterator[StubGateway]:
    with stub_gateway.running() as found:
        yield found


@pytest.fixture
def target(gateway: StubGateway) -> Destination:
    return Destination(gateway.url, KEY, 5.0)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PROMPTETHEUS_API_KEY", "PROMPTETHEUS_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with override_config(Config(exit_timeout=20.0)):
        yield
        close_all()


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Records a session of so many metrics into the spool, without delivery; returns its file."""

    def recorded(metrics: int = 10, session_id: str = "run-1") -> Path:
        spool = tmp_path / "spool"
        with pt.start(
            agent="a", user_goal="g", session_id=session_id, transport="spool", spool_dir=spool
        ) as session:
            for number in range(metrics):
                session.metric("n", number)
        return spool / f"{session_id}.jsonl"

    return recorded
