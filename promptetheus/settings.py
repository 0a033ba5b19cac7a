"""Settings as one table: name, environment variable, default, what it is.

Priority: explicit argument, then environment (an empty string is unset), then `~/.promptetheus/config.toml`
(top level, or a `[promptetheus]` table), then default. Nothing here raises on bad input: what is not valid is
ignored and the next source counts.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.guard import report

DEFAULT_API_URL = "http://127.0.0.1:4318"
"""The local gateway: nothing is sent to a host that the user did not name."""

DEFAULT_HTTP_TIMEOUT = 30.0
DEFAULT_CONFIG_PATH = Path(os.path.expanduser("~")) / ".promptetheus" / "config.toml"
"""`Path.home()` would raise in a container whose user has no home."""

DEFAULT_SPOOL_MAX_BYTES = 1 << 30
DEFAULT_EXIT_TIMEOUT = 2.0


@dataclass(frozen=True)
class Config:
    """The settings of a process."""

    api_url: str | None = DEFAULT_API_URL
    """Base URL of the API that sessions are delivered to."""
    api_key: str | None = None
    """Project key; without one nothing is sent anywhere."""
    project_id: str | None = None
    """Project that sessions belong to."""
    environment: str | None = None
    """Environment that sessions carry, e.g. `staging`."""
    sample_rate: float = 1.0
    """Share of sessions that are recorded, 0 to 1."""
    redact: str | None = None
    """`default` switches the default redactor on."""
    http_timeout: float = DEFAULT_HTTP_TIMEOUT
    """Seconds before a request is given up."""
    spool_max_bytes: int = DEFAULT_SPOOL_MAX_BYTES
    """Cap of the spool in bytes; ended sessions beyond it are pruned. 0: no cap."""
    exit_timeout: float = DEFAULT_EXIT_TIMEOUT
    """Seconds that a process that ends waits for delivery; what is left stays pending."""


class Setting(NamedTuple):
    """A row of the table: how a `Config` field is named outside and read from text."""

    field: str
    variable: str
    read: Callable[[Any], Any]
    wanted: str = "a text"
    """What `read` takes, for the words about a value that it does not take."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value


def _rate(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or math.isnan(number):
        raise ValueError("not a number")
    return min(1.0, max(0.0, number))


def _seconds(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number) or number <= 0:
        raise ValueError("not a number of seconds above 0")
    return number


def _bytes(value: Any) -> int:
    number = int(value)
    if isinstance(value, bool | float) or number < 0:
        raise ValueError("not a number of bytes")
    return number


_SECONDS = "a number of seconds above 0"

SETTINGS: tuple[Setting, ...] = (
    Setting("api_url", "PROMPTETHEUS_API_URL", _text),
    Setting("api_key", "PROMPTETHEUS_API_KEY", _text),
    Setting("project_id", "PROMPTETHEUS_PROJECT", _text),
    Setting("environment", "PROMPTETHEUS_ENVIRONMENT", _text),
    Setting("sample_rate", "PROMPTETHEUS_SAMPLE_RATE", _rate, "a number from 0 to 1"),
    Setting("redact", "PROMPTETHEUS_REDACT", _text),
    Setting("http_timeout", "PROMPTETHEUS_HTTP_TIMEOUT", _seconds, _SECONDS),
    Setting("spool_max_bytes", "PROMPTETHEUS_SPOOL_MAX_BYTES", _bytes, "a whole number of bytes"),
    Setting("exit_timeout", "PROMPTETHEUS_EXIT_TIMEOUT", _seconds, _SECONDS),
)

_cached: Config | None = None


def load_config(*, config_path: Path | str | None = None, **explicit: Any) -> Config:
    """Read all sources once. Keyword arguments are the fields of `Config`; None means not given."""
    known = {item.name for item in fields(Config)}
    for name in set(explicit) - known:
        raise TypeError(f"load_config() got an unexpected keyword argument {name!r}")
    file = _read_file(Path(config_path) if config_path is not None else DEFAULT_CONFIG_PATH)
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        sources = (
            ("an argument", explicit.get(setting.field)),
            (setting.variable, os.environ.get(setting.variable) or None),
            ("config.toml", file.get(setting.field)),
        )
        for source, value in sources:
            if value is None:
                continue
            try:
                found[setting.field] = setting.read(value)
                break
            except (ValueError, TypeError, OverflowError):
                report(
                    "settings.invalid",
                    f"ignoring an invalid value for {setting.field} in {source}: it takes {setting.wanted}",
                )
    return Config(**found)


def get_config() -> Config:
    """The settings of this process, read at first use and kept."""
    global _cached
    if _cached is None:
        _cached = load_config()
    return _cached


def set_config(config: Config) -> None:
    """Use `config` from now on."""
    global _cached
    _cached = config


def reset_config() -> None:
    """Forget what was read; the next `get_config` reads again."""
    global _cached
    _cached = None


@contextmanager
def override_config(config: Config) -> Iterator[Config]:
    """Use `config` inside a `with` block."""
    global _cached
    before, _cached = _cached, config
    try:
        yield config
    finally:
        _cached = before


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        report("settings.unreadable", f"ignoring {path}: {type(error).__name__}")
        return {}
    import tomllib  # takes 8 ms: only where there is a file

    try:
        found: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        report("settings.unreadable", f"ignoring {path}: {type(error).__name__}")
        return {}
    table = found.get("promptetheus")
    return table if isinstance(table, dict) else found
