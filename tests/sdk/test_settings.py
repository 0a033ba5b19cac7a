"""Settings: arguments, environment, file, defaults, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import config
from promptetheus.settings import (
    SETTINGS,
    Config,
    get_config,
    load_config,
    override_config,
    reset_config,
    set_config,
)
from tests.sdk.programs import Run
from tests.sdk.spooled import events_of


def test_nothing_set_means_the_defaults() -> None:
    assert load_config() == Config()
    assert Config().api_url == "http://127.0.0.1:4318"
    assert [setting.field for setting in SETTINGS] == list(Config.__dataclass_fields__)


def test_an_argument_beats_the_environment_which_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('project_id = "file"\nenvironment = "file"\napi_key = "file"\n')
    monkeypatch.setenv("PROMPTETHEUS_PROJECT", "environment")
    monkeypatch.setenv("PROMPTETHEUS_ENVIRONMENT", "environment")
    found = load_config(config_path=file, project_id="argument")
    assert (found.project_id, found.environment, found.api_key) == ("argument", "environment", "file")


def test_a_table_in_the_file_hides_the_top_level(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('api_key = "top"\n[promptetheus]\nproject_id = "table"\n')
    found = load_config(config_path=file)
    assert (found.api_key, found.project_id) == (None, "table")


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("PROMPTETHEUS_SAMPLE_RATE", "0.25", "sample_rate", 0.25),
        ("PROMPTETHEUS_SAMPLE_RATE", "7", "sample_rate", 1.0),
        ("PROMPTETHEUS_SAMPLE_RATE", "-1", "sample_rate", 0.0),
        ("PROMPTETHEUS_SAMPLE_RATE", "often", "sample_rate", 0.5),
        ("PROMPTETHEUS_SAMPLE_RATE", "nan", "sample_rate", 0.5),
        ("PROMPTETHEUS_SAMPLE_RATE", "", "sample_rate", 0.5),
        ("PROMPTETHEUS_HTTP_TIMEOUT", "2.5", "http_timeout", 2.5),
        ("PROMPTETHEUS_HTTP_TIMEOUT", "nan", "http_timeout", 9.0),
        ("PROMPTETHEUS_HTTP_TIMEOUT", "0", "http_timeout", 9.0),
        ("PROMPTETHEUS_HTTP_TIMEOUT", "inf", "http_timeout", 9.0),
        ("PROMPTETHEUS_SPOOL_MAX_BYTES", "1000", "spool_max_bytes", 1000),
        ("PROMPTETHEUS_SPOOL_MAX_BYTES", "-1", "spool_max_bytes", 5),
        ("PROMPTETHEUS_REDACT", "default", "redact", "default"),
    ],
)
def test_what_is_not_valid_is_ignored_and_the_next_source_counts(
    variable: str, text: str, field: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("sample_rate = 0.5\nhttp_timeout = 9\nspool_max_bytes = 5\n")
    monkeypatch.setenv(variable, text)
    assert getattr(load_config(config_path=file), field) == value


def test_a_value_that_is_not_taken_is_told_with_where_it_stands_and_what_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTETHEUS_HTTP_TIMEOUT", "nan")
    assert load_config(config_path=tmp_path / "none.toml").http_timeout == 30.0
    assert pt.stats()["why"]["settings.invalid"] == (
        "ignoring an invalid value for http_timeout in PROMPTETHEUS_HTTP_TIMEOUT: "
        "it takes a number of seconds above 0"
    )


@pytest.mark.parametrize(
    "content", [b"not toml [", b"\xff\xfe", b"sample_rate = true\napi_url = 5\n[[promptetheus]]\n"]
)
def test_a_broken_file_is_ignored(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    assert load_config(config_path=file) == Config()
    assert load_config(config_path=tmp_path) == Config()


def test_settings_are_read_once_and_can_be_set_and_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    first = get_config()
    monkeypatch.setenv("PROMPTETHEUS_PROJECT", "later")
    assert get_config() is first
    with override_config(Config(project_id="inside")):
        assert get_config().project_id == "inside"
    assert get_config() is first
    set_config(Config(project_id="set"))
    assert get_config().project_id == "set"
    reset_config()
    assert get_config().project_id == "later"


def test_start_takes_what_it_is_not_given_from_the_settings(spool: Path) -> None:
    with (
        override_config(Config(project_id="p", environment="e", redact="default")),
        pt.start(agent="a", user_goal="mail bob@example.com", spool_dir=spool),
    ):
        pass
    after = events_of(spool)[0]["payload"]["after"]
    assert (after["project_id"], after["environment"], after["user_goal"]) == ("p", "e", "mail [REDACTED]")


def test_arguments_that_start_does_not_know_are_named_once(
    spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with pt.start(
            agent="a", user_goal="g", spool_dir=spool, api_key="k", endpoint="http://x", colour="red"
        ):
            pass
    assert [record.getMessage() for record in caplog.records] == [
        "promptetheus: start() ignores unknown arguments: colour"
    ]


@pytest.mark.parametrize("arguments", [{}, {"agent": "a"}, {"user_goal": "g"}])
def test_start_needs_an_agent_and_a_goal(arguments: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        pt.start(**arguments)  # type: ignore[arg-type]


def test_a_user_without_a_home_can_import_us(program: Run) -> None:
    program(
        """
        os.environ.pop("HOME", None)
        import pwd
        pwd.getpwuid = lambda uid: (_ for _ in ()).throw(KeyError(uid))
        import promptetheus.settings
        """
    )


def test_the_old_module_has_the_old_names() -> None:
    for name in ("Config", "DEFAULT_API_URL", "DEFAULT_HTTP_TIMEOUT", "DEFAULT_CONFIG_PATH", "load_config"):
        assert hasattr(config, name)
