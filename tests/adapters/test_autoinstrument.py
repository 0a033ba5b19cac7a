"""autoinstrument: attaching to what is installed, now or when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.adapters import autoinstrument as module
from promptetheus.adapters.autoinstrument import FRAMEWORKS
from tests.adapters.frameworks import QUIET, framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer


@pytest.fixture(autouse=True)
def nothing_stays_attached() -> Iterator[None]:
    yield
    if module._active is not None:
        module._active.detach()


def run(code: str, stub: StubServer, folder: Path) -> str:
    """Run a program of its own; what it prints."""
    provider = {
        "OPENAI_BASE_URL": stub.openai_url,
        "OPENAI_API_KEY": "stub",
        "CREWAI_DISABLE_TELEMETRY": "true",
    }
    environment = {**os.environ, **QUIET, **provider}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded(folder: Path) -> list[dict[str, object]]:
    (path,) = (folder / ".promptetheus" / "spool").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_framework_that_is_not_imported_is_not_imported_for_it_and_recorded_once_it_is(
    stub: StubServer, tmp_path: Path
) -> None:
    framework("openai")
    code = """
import sys
import promptetheus as pt
found = pt.autoinstrument()
assert "openai" not in sys.modules and not found.attached and "openai" in found.waiting
assert str(found).startswith("recording nothing yet; as soon as they are imported: ")
import openai
assert list(found.attached) == ["openai"] and "openai" not in found.waiting and not found.failed
assert str(found).startswith("recording openai ")
with pt.start(agent="a", user_goal="g"):
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
"""
    run(code, stub, tmp_path)
    assert [event["type"] for event in recorded(tmp_path)[1:-1]] == ["llm_call", "agent_message"]


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_every_framework_is_attached_to_after_its_import_and_left_as_it_was(
    name: str, stub: StubServer, tmp_path: Path
) -> None:
    for trigger in FRAMEWORKS[name].modules:
        framework(trigger)
    code = f"""
import importlib, sys
import promptetheus as pt
found = pt.autoinstrument()
loader = importlib.import_module("{FRAMEWORKS[name].modules[0]}").__spec__.loader
assert "{name}" in found.attached, found
assert not found.failed, found
assert found._adapters["{name}"].attached
assert "exec_module" not in vars(loader)
found.detach()
found.detach()
assert not found.attached and not found.waiting
assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith("promptetheus.")]
"""
    run(code, stub, tmp_path)


def test_what_is_imported_already_is_attached_to_at_once(record: Record, stub: StubServer) -> None:
    openai = framework("openai")
    client = openai.OpenAI(base_url=stub.openai_url, api_key="stub")
    before = dict(vars(framework("openai._base_client").SyncAPIClient))
    with pt.autoinstrument("openai") as found:
        assert list(found.attached) == ["openai"]
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert len(record.of("llm_call")) == 1
    assert dict(vars(framework("openai._base_client").SyncAPIClient)) == before


def test_calling_it_again_attaches_nothing_twice_and_other_arguments_replace_the_first(
    record: Record, stub: StubServer
) -> None:
    openai = framework("openai")
    client = openai.OpenAI(base_url=stub.openai_url, api_key="stub")
    first = pt.autoinstrument()
    assert pt.autoinstrument() is first
    second = pt.autoinstrument("openai", capture_content=True)
    assert second is not first and not first.attached
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "say hi"}])
    assert record.only("llm_call")["metadata"]["messages"] == [{"role": "user", "content": "say hi"}]


def test_a_framework_that_cannot_be_attached_to_is_told_and_does_not_disturb_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    framework("openai")
    broken = FRAMEWORKS["openai"]._replace(adapter="NoSuchPatch")
    monkeypatch.setitem(FRAMEWORKS, "openai", broken)
    with pt.autoinstrument() as found:
        assert "openai" in found.failed and "openai" not in found.attached
        assert "not openai: " in str(found)
        assert repr(found) == f"<Instrumentation: {found}>"


def test_a_name_that_is_not_known_is_refused_and_names_the_known() -> None:
    with pytest.raises(ValueError, match="djinn: none of openai, anthropic"):
        pt.autoinstrument("djinn")


def test_a_module_that_cannot_be_imported_fails_as_it_would_have(stub: StubServer, tmp_path: Path) -> None:
    framework("openai")
    (tmp_path / "openai").mkdir()
    (tmp_path / "openai" / "__init__.py").write_text("raise LookupError('broken on purpose')")
    code = """
import sys
sys.path.insert(0, ".")
import promptetheus as pt
found = pt.autoinstrument("openai")
try:
    import openai
except LookupError as error:
    assert str(error) == "broken on purpose"
assert "openai" in found.waiting
"""
    run(code, stub, tmp_path)
