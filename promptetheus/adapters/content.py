"""What was sent to a model: by reference, unless the user asked for the content.

The reference is the hash of the content: equal prompts have equal references, and the text is not in it.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any, NamedTuple

import orjson

from promptetheus.encoding import encode_value


class Prompt(NamedTuple):
    """What is recorded of a request."""

    messages_ref: str | None = None
    prompt_ref: str | None = None
    content: Any = None
    """The messages, redacted; None unless they were to be captured."""


NO_PROMPT = Prompt()


def prompt_of(
    messages: object, *, capture: bool, messages_ref: str | None = None, prompt_ref: str | None = None
) -> Prompt:
    """The prompt of a call. References that the user gave are kept, otherwise `messages_ref` is made.

    Captured content is redacted by the default rules whatever the session does: secrets in prompts are the
    rule, not the exception.
    """
    if messages is None or (not capture and (messages_ref or prompt_ref)):
        return Prompt(messages_ref, prompt_ref)
    encoded = encode_value(messages)
    if messages_ref is None and prompt_ref is None:
        messages_ref = f"sha256:{hashlib.sha256(encoded).hexdigest()}"
    return Prompt(messages_ref, prompt_ref, redacted(encoded) if capture else None)


def redacted(encoded: bytes) -> Any:
    """The value of a JSON text without what the default rules hold for a secret."""
    return orjson.loads(_redactor().encoded(encoded))


@functools.cache
def _redactor() -> Any:
    from promptetheus.redaction import build_default_redactor

    return build_default_redactor()
