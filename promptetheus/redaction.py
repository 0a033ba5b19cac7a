"""Taking secrets out of an event before its line exists.

Fails closed: what cannot be looked through is dropped, never passed on. Linear in the size of the event: each
pattern is tried only where a literal that it needs occurs, and an event without any is not even decoded.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import is_not
from typing import Any

import orjson

from promptetheus.encoding import encode_value, is_bounded, jsonable
from promptetheus.events import ENVELOPE
from promptetheus.secret_patterns import (
    RUN_CHARACTERS,
    RUN_LENGTH,
    SECRET_PATTERNS,
    SECRET_WORDS,
    SecretPattern,
)
from promptetheus.secret_scan import MAX_DEPTH, REDACTION_PLACEHOLDER, Finding, SecretScan

__all__ = ["REDACTION_PLACEHOLDER", "DefaultRedactor", "Finding", "Redactor", "build_default_redactor"]

Redactor = Callable[[dict[str, Any]], Any]

_COUNT_KEY = re.compile(
    r"(?:[a-z]+_)*tokens(?:_(?:details|count|used|total|limit|left|per_[a-z]+|[0-9]+))*|"
    r"(?:[a-z]+_)*token_(?:count|counts|usage|limit|budget|details)"
)
"""Keys that say how many tokens there were, not what a token is, in snake case. Numbers under them stay."""

_TOKEN = re.compile(
    r'token(?!(?:s|s?_?(?:details|counts?|usage|limit|budget))":\s*[-\dn]|s_details":\s*\{|sdetails":\s*\{)'
)
"""`token` in encoded JSON where it is not the end of such a key before a number, null or details of it."""

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_RUNS = bytes(97 if character in RUN_CHARACTERS else 32 for character in range(256))
"""Maps the characters of runs to `a`, all others to a space."""
_LONG_RUN = b"a" * RUN_LENGTH

_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "auth", "cookie", "earer", "asic", "sig")
"""Parts that needles have in common: there is less to look for."""
_NESTING = frozenset({dict, list, tuple})
_CARD_DIGITS = b"0" * 13


def build_default_redactor(
    *,
    extra_patterns: Iterable[tuple[str, str]] | None = None,
    extra_sensitive_keys: Iterable[str] | None = None,
    allow_keys: Iterable[str] | None = None,
    hash_values: bool = False,
    hash_key: bytes | str | None = None,
) -> DefaultRedactor:
    """A redactor for `Session(redact=…)`.

    Args:
        extra_patterns: (name, regular expression) pairs that are replaced as well; a bad one raises here.
        extra_sensitive_keys: key parts whose values are replaced whole, besides the built-in ones.
        allow_keys: exact keys, in any case, whose values are left alone.
        hash_values: replace by `sha256:` and 12 hex digits (HMAC), so that equal secrets correlate.
        hash_key: the key for that; default a random one for this process. Equal secrets of two processes
            correlate only with a key of your own. Short secrets can be guessed by whoever has the key.
    """
    extra = tuple(SecretPattern(name, (), re.compile(text)) for name, text in extra_patterns or ())
    if isinstance(hash_key, str):
        hash_key = hash_key.encode()
    return DefaultRedactor(
        patterns=(*SECRET_PATTERNS, *extra),
        words=(*SECRET_WORDS, *(key.lower() for key in extra_sensitive_keys or ())),
        allowed=frozenset(key.lower() for key in allow_keys or ()),
        hash_key=(hash_key or os.urandom(32)) if hash_values else None,
    )


class DefaultRedactor:
    """Replaces values of telling keys and texts of telling shape. Call it with an event, get a clean copy."""

    takes_encoded = True
    """The recorder asks it whether encoded JSON needs a look, before it decodes anything."""

    def __init__(
        self,
        *,
        patterns: tuple[SecretPattern, ...],
        words: tuple[str, ...],
        allowed: frozenset[str],
        hash_key: bytes | None,
    ) -> None:
        self._patterns, self._words, self._allowed, self._hash_key = patterns, words, allowed, hash_key
        self._verdicts: dict[str, str] = {}
        self._unconditional = [row for row in patterns if not row.needles]
        self._in_words = [row for row in patterns if row.needles and not row.in_run]
        self._in_runs = [row for row in patterns if row.in_run]
        needles = {needle for row in self._in_words for needle in row.needles} | set(words)
        self._stems = tuple(sorted({_stem(needle) for needle in needles}))

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of the event without secrets; the envelope's own fields stay."""
        return {
            key: value if key in ENVELOPE else orjson.loads(self.encoded(encode_value(value)))
            for key, value in dict(event).items()
        }

    def encoded(self, data: bytes) -> bytes:
        """Encoded JSON without secrets: the same object when there were none. Raises when it is no JSON."""
        scan = self._scan(data)
        if scan is None:
            return data
        value = orjson.loads(data)
        clean = scan.value(value, 0)
        return data if not scan.hits else encode_value(clean)

    def is_suspicious(self, data: bytes) -> bool:
        """Whether encoded JSON has to be looked through: without secrets it mostly has not."""
        return self._scan(data) is not None

    def findings(self, event: Mapping[str, Any]) -> Iterator[Finding]:
        """What would be taken out of an event, and why. The summary in a session's last line is passed over: it
        repeats what stands in the events, and a tool called `get_token` is no secret there."""
        for field, value in event.items():
            if field == "metadata" and event.get("type") == "session_end" and isinstance(value, Mapping):
                value = {key: item for key, item in value.items() if key != "summary"}
            scan = None if field in ENVELOPE else self._scan(encode_value(value))
            if scan is not None:
                scan.paths = []
                scan.value(jsonable(value), 0, field)
                yield from scan.paths

    def hides(self, key: str) -> bool:
        """Whether values under this key are replaced whole."""
        return self.verdict(key) == "hide"

    def arguments_without_named(self, names: tuple[str, ...], args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Positional arguments `without_named` values, and without those of parameters that are secret by name."""
        shown = [self.without_named(item) for item in args]
        for position, name in enumerate(names[: len(args)]):
            shown[position] = self._unless_named(name, shown[position])
        return tuple(shown)

    def without_named(self, value: Any) -> Any:
        """A copy of dictionaries, lists and tuples without the values under keys that say they are secret; the same
        object where it has none. One that is too deep or too large to be copied is hidden whole."""
        if type(value) not in _NESTING:
            return value
        return self._without_named(value, 0) if is_bounded(value) else REDACTION_PLACEHOLDER

    def _without_named(self, value: Any, depth: int) -> Any:
        if type(value) not in _NESTING:
            return value
        if depth > MAX_DEPTH:
            return REDACTION_PLACEHOLDER
        if type(value) is dict:
            clean = {
                key: self._without_named(self._unless_named(key, item), depth + 1)
                for key, item in value.items()
            }
            return clean if any(clean[key] is not item for key, item in value.items()) else value
        items = [self._without_named(item, depth + 1) for item in value]
        return type(value)(items) if any(map(is_not, items, value)) else value

    def _unless_named(self, key: Any, item: Any) -> Any:
        verdict = self.verdict(key) if type(key) is str else "look"
        if verdict == "hide" and item is not None and not isinstance(item, bool):
            return REDACTION_PLACEHOLDER
        if verdict == "pair" and type(item) in (list, tuple) and len(item) == 2:
            return type(item)((item[0], REDACTION_PLACEHOLDER))
        if verdict == "pair" and type(item) is str and ":" in item:
            return REDACTION_PLACEHOLDER
        return item

    def verdict(self, key: str) -> str:
        """`allow`: leave the value alone; `hide`: replace it; `pair`: a login, the second part goes; `count`: numbers
        may stay; `look`: look inside."""
        verdict = self._verdicts.get(key)
        if verdict is None:
            lower = key.lower()
            if lower in self._allowed:
                verdict = "allow"
            elif lower == "auth" or lower.endswith(("_auth", "-auth")):
                verdict = "pair"
            elif not any(word in lower for word in self._words):
                verdict = "look"
            elif _COUNT_KEY.fullmatch(_snake_case(key)):
                verdict = "count"
            else:
                verdict = "hide"
            if len(self._verdicts) < 4096:
                self._verdicts[key] = verdict
        return verdict

    def replacement(self, secret: str) -> str:
        """What stands in the place of a secret."""
        if self._hash_key is None:
            return REDACTION_PLACEHOLDER
        import hmac

        digest = hmac.new(self._hash_key, secret.encode("utf-8", "replace"), hashlib.sha256)
        return "sha256:" + digest.hexdigest()[:12]

    def _scan(self, data: bytes) -> SecretScan | None:
        """What there is to look for in encoded JSON; None: nothing. Searching it whole is what makes this cheap:
        about 2 µs for an event of 300 bytes, against 40 to decode it and try every pattern on every text."""
        lower = data.decode().lower()
        found = self._unconditional.copy()
        keys = False
        for stem in self._stems:
            if stem in lower:
                keys = self._words_in(lower, found)
                break
        for run in _long_runs(data):
            if not (run.islower() and run.isalnum()):  # hex: an id, not a secret
                text = run.decode()
                found += [row for row in self._in_runs if any(needle in text for needle in row.needles)]
        cards = _CARD_DIGITS in data.translate(_DIGITS, b" -")
        if '"base64":' in lower:
            found, keys = list(self._patterns), True
        if not found and not keys and not cards:
            return None
        return SecretScan(self, [row for row in self._patterns if row in found], keys, cards)

    def _words_in(self, lower: str, found: list[SecretPattern]) -> bool:
        """Add the patterns whose words occur. True when a word occurs that a secret's key may have."""
        token = "token" in lower and _TOKEN.search(lower) is not None

        def occurs(words: tuple[str, ...]) -> bool:
            return any(word in lower and (token or word != "token") for word in words)

        found += [row for row in self._in_words if occurs(row.needles)]
        return occurs(self._words) or 'auth":' in lower


def _snake_case(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()


def _stem(needle: str) -> str:
    """A part of a needle: where it does not occur, the needle does not either."""
    return next((stem for stem in _STEMS if stem in needle), needle)


def _long_runs(data: bytes) -> Iterator[bytes]:
    """The runs of letters, digits and `_ - . ~` that are long enough for a provider's key."""
    mapped = data.translate(_RUNS)
    begin = mapped.find(_LONG_RUN)
    while begin >= 0:
        end = mapped.find(b" ", begin)
        if end < 0:
            end = len(data)
        yield data[begin:end]
        begin = mapped.find(_LONG_RUN, end)
