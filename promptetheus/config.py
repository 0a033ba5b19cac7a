"""The settings under the module name that agents import from since release 1."""

from promptetheus.settings import (
    DEFAULT_API_URL,
    DEFAULT_CONFIG_PATH,
    DEFAULT_HTTP_TIMEOUT,
    Config,
    get_config,
    load_config,
    override_config,
    reset_config,
    set_config,
)

__all__ = [
    "DEFAULT_API_URL",
    "DEFAULT_CONFIG_PATH",
    "DEFAULT_HTTP_TIMEOUT",
    "Config",
    "get_config",
    "load_config",
    "override_config",
    "reset_config",
    "set_config",
]
