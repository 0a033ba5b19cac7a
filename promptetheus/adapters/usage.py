"""Token counts, in the spellings of today's providers and frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_INPUT = ("input_tokens", "prompt_tokens", "request_tokens", "prompt_token_count")
_OUTPUT = ("output_tokens", "completion_tokens", "response_tokens", "candidates_token_count")
_CACHED = ("cache_read_tokens", "cached_tokens", "cached_content_token_count")
_CACHE_WRITTEN = ("cache_write_tokens",)
_REASONING = ("reasoning_tokens", "thinking_tokens", "thoughts_token_count")
_INPUT_DETAILS = (
    "prompt_tokens_details", "input_tokens_details", "input_token_details", "input_details", "details",
)  # fmt: skip
_OUTPUT_DETAILS = (
    "completion_tokens_details", "output_tokens_details", "output_token_details", "output_details", "details",
)  # fmt: skip


class Usage(NamedTuple):
    """What one call used. None where the provider did not say."""

    input_tokens: int | None = None
    """All tokens sent, those read from and written to a cache among them."""
    output_tokens: int | None = None
    """All tokens received, reasoning among them."""
    cached_tokens: int | None = None
    """Of the tokens sent, those read from a cache."""
    reasoning_tokens: int | None = None
    """Of the tokens received, those the model thought in."""
    cache_write_tokens: int | None = None
    """Of the tokens sent, those written to a cache."""


NOTHING = Usage()


def usage_of(found: object) -> Usage:
    """The counts in an object or mapping of any provider. Takes anything; what is no count is left out.

    Anthropic counts cached input beside `input_tokens` (`cache_read_input_tokens`, `cache_creation_input_tokens`):
    it is added, so that `input_tokens` means the same everywhere.
    """
    if found is None:
        return NOTHING
    found = _fields(found)
    sent, received = _first(found, _INPUT), _first(found, _OUTPUT)
    read, written = _field(found, "cache_read_input_tokens"), _field(found, "cache_creation_input_tokens")
    if (read is not None or written is not None) and _field(found, "prompt_tokens") is None:
        whole = None if sent is None else sent + (read or 0) + (written or 0)
        return Usage(whole, received, read, _reasoning(found), written)
    cached = _first(found, _CACHED)
    details = _detail(found, _INPUT_DETAILS)
    if cached is None:
        cached = _first(details, (*_CACHED, "cache_read"))
    cache_written = _first(found, _CACHE_WRITTEN)
    if cache_written is None:
        cache_written = _first(details, (*_CACHE_WRITTEN, "cache_creation", "cache_creation_tokens"))
    return Usage(sent, received, cached, _reasoning(found), cache_written)


def extract_token_usage(found: object) -> tuple[int | None, int | None]:
    """Input and output tokens alone, of `found.usage` where it has one, else of `found`."""
    inner = get(found, "usage")
    usage = usage_of(found if inner is None else inner)
    return usage.input_tokens, usage.output_tokens


def get(thing: object, name: str, default: Any = None) -> Any:
    """A field of a mapping or an attribute of an object; `default` where there is none or reading it fails."""
    try:
        if isinstance(thing, Mapping):
            return thing.get(name, default)
        return getattr(thing, name, default)
    except Exception:  # a property of somebody else's object
        return default


def whole(value: object) -> int | None:
    """A count as int: no booleans, nothing negative, floats only without a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 1 << 53 and value == int(value) else None


def _field(thing: object, name: str) -> int | None:
    return whole(get(thing, name))


def _first(thing: object, names: tuple[str, ...]) -> int | None:
    if thing is None:
        return None
    return next((count for name in names if (count := _field(thing, name)) is not None), None)


def _detail(thing: object, names: tuple[str, ...]) -> Any:
    return _fields(next((inner for name in names if (inner := get(thing, name)) is not None), None))


def _fields(thing: object) -> object:
    """The fields of a pydantic model as a mapping: asking it for one that it does not have takes 5 µs."""
    if getattr(type(thing), "__pydantic_fields__", None) is None:
        return thing
    return {**(getattr(thing, "__pydantic_extra__", None) or {}), **vars(thing)}


def _reasoning(found: object) -> int | None:
    direct = _first(found, _REASONING)
    if direct is not None:
        return direct
    return _first(_detail(found, _OUTPUT_DETAILS), (*_REASONING, "reasoning"))
