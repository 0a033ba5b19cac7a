"""Fixtures for all layers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from promptetheus import settings

hypothesis_settings.register_profile("quick", max_examples=60, deadline=None)
hypothesis_settings.load_profile("quick")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A key in the developer's environment or home must not change what a test sees."""
    for name in [
        name for name in os.environ if name.startswith("PROMPTETHEUS_") and name != "PROMPTETHEUS_DATA"
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings, "DEFAULT_CONFIG_PATH", tmp_path / "no-config.toml")
    settings.reset_config()
    yield
    settings.reset_config()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A spool directory that does not exist yet."""
    return tmp_path / "spool"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Agent runs of other tools, published by others; kept beside the repository, not in it."""
    named = os.environ.get("PROMPTETHEUS_DATA")
    places = [Path(named)] if named else [REPOSITORY.parent / "shared" / "data"]
    for place in places:
        if place.is_dir():
            return place
    pytest.skip("the published agent runs are not here: set PROMPTETHEUS_DATA to their directory")
