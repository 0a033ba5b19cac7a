"""One walk through a decoded value that takes the secrets out."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from promptetheus import guard
from promptetheus.secret_patterns import CARD, SecretPattern, passes_luhn, secret_of

REDACTION_PLACEHOLDER = "[REDACTED]"

MAX_DEPTH = 64
"""What is nested deeper is taken out."""

_IS_REPLACED = re.compile(r"\[REDACTED\]|sha256:[0-9a-f]{12}")
"""What stands where a secret was: looking through a clean event finds nothing."""


class Finding(NamedTuple):
    """A secret that redaction takes out."""

    path: str
    """Where it stands in the event, e.g. `payload.arguments.password`."""
    rule: str
    """Name of the pattern, or `key` when the name of the field was enough."""
    length: int
    """Characters that are replaced."""


class Rules(Protocol):
    """What a scan asks the redactor."""

    def verdict(self, key: str) -> str: ...
    def replacement(self, secret: str) -> str: ...


class SecretScan:
    """One walk through a decoded value with the patterns that its encoded form calls for."""

    def __init__(self, rules: Rules, patterns: list[SecretPattern], keys: bool, cards: bool) -> None:
        self._rules, self._patterns, self._keys, self._cards = rules, patterns, keys, cards
        self.hits = 0
        self.paths: list[Finding] | None = None
        """Where a list, what is found is noted and not counted: nothing is being recorded."""
        self._path = ""

    def value(self, value: Any, depth: int, path: str = "") -> Any:
        """The value without secrets."""
        if isinstance(value, str):
            self._path = path
            return self._text(value)
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            is_card = self._cards and 10**12 <= value < 10**19 and passes_luhn(str(value))
            self._path = path
            return self._hidden(str(value), "card") if is_card else value
        if depth > MAX_DEPTH:
            self._path = path
            return self._hidden("", "depth")
        if isinstance(value, dict):
            return self._mapping(value, depth, path)
        return [self.value(item, depth + 1, f"{path}[{n}]" if path else "") for n, item in enumerate(value)]

    def _mapping(self, value: dict[str, Any], depth: int, path: str, counts: bool = False) -> dict[str, Any]:
        if "base64" in value and "size_bytes" in value and self._holds_secret_bytes(value["base64"]):
            self._path = path
            return {**value, "base64": self._hidden(value["base64"], "bytes")}
        clean: dict[str, Any] = {}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else ""
            self._path = path
            name = self._text(key)
            while name in clean:
                name += "_"
            if counts and self._rules.verdict(key) == "look":
                clean[name] = self._counted(item, depth + 1, inner)
            else:
                clean[name] = self._entry(key, item, depth, inner)
        return clean

    def _entry(self, key: str, item: Any, depth: int, path: str) -> Any:
        verdict = self._rules.verdict(key) if self._keys else "look"
        if verdict == "allow" or (isinstance(item, str) and _IS_REPLACED.fullmatch(item)):
            return item
        if verdict == "pair":
            return self._pair(item, depth, path)
        if verdict == "hide" and item is not None and not isinstance(item, bool):
            if item == "" or item == [] or item == {}:
                return item
            self._path = path
            return self._hidden(item if isinstance(item, str) else str(item), "key")
        if verdict == "count":
            return self._counted(item, depth, path)
        return self.value(item, depth + 1, path)

    def _pair(self, item: Any, depth: int, path: str) -> Any:
        """Under `auth`, as HTTP clients take it: `("user", "password")`, or `user:password`."""
        if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
            self._path = f"{path}[1]" if path else ""
            is_replaced = _IS_REPLACED.fullmatch(item[1]) or not item[1]
            return [
                self.value(item[0], depth + 1, path),
                item[1] if is_replaced else self._hidden(item[1], "key"),
            ]
        if isinstance(item, str) and ":" in item:
            self._path = path
            return self._hidden(item, "key")
        return self.value(item, depth + 1, path)

    def _counted(self, item: Any, depth: int, path: str) -> Any:
        """Under `input_tokens`: numbers stay, texts do not."""
        if isinstance(item, list) and depth <= MAX_DEPTH:
            return [self._counted(inner, depth + 1, path) for inner in item]
        if isinstance(item, dict) and depth <= MAX_DEPTH:
            return self._mapping(item, depth + 1, path, counts=True)
        if isinstance(item, str) and item and not item.isdigit():
            self._path = path
            return self._hidden(item, "key")
        return self.value(item, depth + 1, path)

    def _text(self, text: str) -> str:
        lower = text.lower() if self._patterns else ""
        for row in self._patterns:
            searched = text if row.in_run else lower
            if row.needles and not any(needle in searched for needle in row.needles):
                continue
            text = row.expression.sub(lambda match, row=row: self._match(match, row), text)  # type: ignore[misc]
        if self._cards and len(text) >= 13:
            text = CARD.sub(self._card, text)
        return text

    def _match(self, match: re.Match[str], row: SecretPattern) -> str:
        whole = match.group()
        if row.confirm is not None and not row.confirm(match):
            return whole
        secret = secret_of(match)
        if not secret or _IS_REPLACED.fullmatch(secret) or f"{secret}]" == REDACTION_PLACEHOLDER:
            return whole
        begin = match.start(match.lastindex or 0) - match.start()
        return whole[:begin] + self._hidden(secret, row.name) + whole[begin + len(secret) :]

    def _card(self, match: re.Match[str]) -> str:
        return self._hidden(match.group(), "card") if passes_luhn(match.group()) else match.group()

    def _hidden(self, secret: str, rule: str) -> str:
        self.hits += 1
        if self.paths is not None:
            self.paths.append(Finding(self._path, rule, len(secret)))
        else:
            guard.count(f"redacted.{rule}")
        return self._rules.replacement(secret)

    def _holds_secret_bytes(self, encoded: Any) -> bool:
        """Whether raw bytes, read as Latin-1, hold a secret."""
        import base64

        try:
            text = base64.b64decode(encoded).decode("latin-1")
        except (ValueError, TypeError):
            return False
        inner = SecretScan(self._rules, self._patterns, self._keys, True)
        inner.paths = []
        return inner._text(text) != text
