"""Taking secrets out of an event before its line exists.

Fails closed: what cannot be looked through is dropped, never passed on. Linear in the size of the event:
every pattern is tried only where a literal that it needs occurs.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

REDACTION_PLACEHOLDER = "[REDACTED]"

Redactor = Callable[[dict[str, Any]], Any]

_ENVELOPE = frozenset({"type", "session_id", "seq", "timestamp", "idempotency_key", "span_id", "parent_id"})
_SENSITIVE = (
    "password", "passwd", "secret", "token", "api_key", "apikey", "api-key", "authorization",
    "private_key", "session_key", "credential",
)  # fmt: skip
_COUNTS = re.compile(r"(?:^|_)(?:n_|num_|max_|total_|input_|output_|prompt_|completion_|cached_|reasoning_)?"
                     r"(?:tokens|token_count|token_usage)(?:_|$)")  # fmt: skip
"""Keys that say how many tokens there were, not what a token is."""

_MAX_DEPTH = 64

_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("sk-",), re.compile(r"\bsk-(?:ant-)?[A-Za-z0-9_\-]{16,}")),
    (("earer",), re.compile(r"\b[Bb]earer\s{1,8}[A-Za-z0-9._~+/\-]+=*")),
    (("AKIA",), re.compile(r"\bAKIA[A-Z0-9]{16}\b")),
    (("gh",), re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}")),
    (("eyJ",), re.compile(r"\beyJ[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+")),
    # Bounded and anchored at a non-address character: the search stays linear on `a.a.a.a…`.
    (("@",), re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,253}\.[A-Za-z]{2,24}")),
    (("-----BEGIN",), re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}-----)?")),
    (("://",), re.compile(r"(?<=://)[^\s/:@]{1,256}:[^\s/@]{1,256}(?=@)")),
)  # fmt: skip
_CARD = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ \-]?[0-9]){12,18}(?![0-9A-Za-z])")
_HASH_KEY = os.urandom(32)


def build_default_redactor(
    *,
    extra_patterns: Iterable[tuple[str, str]] | None = None,
    extra_sensitive_keys: Iterable[str] | None = None,
    allow_keys: Iterable[str] | None = None,
    hash_values: bool = False,
) -> Redactor:
    """A redactor for `Session(redact=…)`.

    Args:
        extra_patterns: (name, regular expression) pairs that are replaced as well; a bad one raises here.
        extra_sensitive_keys: key parts whose values are replaced whole, besides the built-in ones.
        allow_keys: exact keys, in any case, whose values are left alone.
        hash_values: replace by `sha256:` and 12 hex digits keyed per process, so that equal secrets correlate.
    """
    scrub = _Scrubber(
        tuple(re.compile(pattern) for _, pattern in extra_patterns or ()),
        (*_SENSITIVE, *(key.lower() for key in extra_sensitive_keys or ())),
        frozenset(key.lower() for key in allow_keys or ()),
        hash_values,
    )
    return scrub.event


class _Scrubber:
    def __init__(
        self,
        patterns: tuple[re.Pattern[str], ...],
        sensitive: tuple[str, ...],
        allowed: frozenset[str],
        hashed: bool,
    ) -> None:
        self._patterns, self._sensitive, self._allowed, self._hashed = patterns, sensitive, allowed, hashed
        self._verdicts: dict[str, str] = {}

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        """A copy of the event without secrets; the envelope's own fields stay."""
        clean: dict[str, Any] = {}
        for key, value in event.items():
            clean[key] = value if key in _ENVELOPE else self._value(value, 0)
        return clean

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth > _MAX_DEPTH:
            return REDACTION_PLACEHOLDER
        if isinstance(value, Mapping):
            return {self._key(key): self._entry(key, item, depth) for key, item in list(value.items())}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth + 1) for item in list(value)]
        from promptetheus.encoding import jsonable  # objects and bytes: look through what would be written

        plain = jsonable(value)
        return self._value(plain, depth + 1) if isinstance(plain, str | dict | list) else plain

    def _key(self, key: object) -> str:
        return self._text(key if isinstance(key, str) else str(key))

    def _entry(self, key: object, value: Any, depth: int) -> Any:
        match self._verdict(str(key)):
            case "allow":
                return value
            case "hide" if value is not None and not isinstance(value, bool):
                return self._hide(str(value))
        return self._value(value, depth + 1)

    def _verdict(self, key: str) -> str:
        verdict = self._verdicts.get(key)
        if verdict is None:
            lower = key.lower()
            if lower in self._allowed:
                verdict = "allow"
            elif any(part in lower for part in self._sensitive) and not _COUNTS.search(lower):
                verdict = "hide"
            else:
                verdict = "look"
            if len(self._verdicts) < 4096:
                self._verdicts[key] = verdict
        return verdict

    def _text(self, text: str) -> str:
        for literals, pattern in _PATTERNS:
            if any(literal in text for literal in literals):
                text = pattern.sub(self._hide_match, text)
        if len(text) >= 13:
            text = _CARD.sub(self._card, text)
        for pattern in self._patterns:
            text = pattern.sub(self._hide_match, text)
        return text

    def _hide_match(self, match: re.Match[str]) -> str:
        return self._hide(match.group())

    def _card(self, match: re.Match[str]) -> str:
        return self._hide(match.group()) if _passes_luhn(match.group()) else match.group()

    def _hide(self, secret: str) -> str:
        if not self._hashed:
            return REDACTION_PLACEHOLDER
        return (
            "sha256:"
            + hmac.new(_HASH_KEY, secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]
        )


def _passes_luhn(text: str) -> bool:
    """The check digit of card numbers: https://en.wikipedia.org/wiki/Luhn_algorithm"""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
