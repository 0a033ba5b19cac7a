"""Keys and tokens: how they look, what is kept of them, how they are compared."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Any, NamedTuple

import orjson

LIVE_PREFIX = "pt_live_"
MAX_TOKEN_LENGTH = 4096
"""Longer credentials are not looked at; a signed token of a user has one or two thousand characters."""

_LOOKUP_LENGTH = 16
_CLOCK_SKEW_S = 60.0


class StoredKey(NamedTuple):
    """What the store keeps of a key: nothing that it could be made from again."""

    lookup: str
    """The beginning of the hash, to find it by."""
    digest: str
    """SHA-256 in hex. A key has 256 random bits: no salt or slow hash makes guessing any harder."""
    preview: str


def new_project_key() -> str:
    """`pt_live_` and 32 random bytes in base64, 43 characters."""
    return LIVE_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def stored(key: str) -> StoredKey:
    """What is kept of a key."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return StoredKey(digest[:_LOOKUP_LENGTH], digest, f"{LIVE_PREFIX}...{key[-6:]}")


def is_same(given: str, expected: str | None) -> bool:
    """Whether two secrets are equal, in a time that does not tell how far they are."""
    if not expected:
        return False
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(expected.encode("utf-8", "surrogatepass")).digest(),
    )


def token_of(authorization: str | None) -> str | None:
    """The token in an Authorization header, with or without the word Bearer."""
    if not authorization:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else authorization.strip()
    return token if token and len(token) <= MAX_TOKEN_LENGTH else None


def verified_claims(token: str, secret: str, audience: str, now_s: float) -> dict[str, Any] | None:
    """The claims of a JWT signed with HS256, or None: bad form, another algorithm, expired, for somebody else.

    RFC 7519 and 7515. `exp` and `sub` are required; an empty `audience` is not checked.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    header, claims = _part(parts[0]), _part(parts[1])
    if header is None or claims is None or header.get("alg") != "HS256":
        return None
    expected = hmac.new(secret.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    given = _decoded(parts[2])
    if given is None or not hmac.compare_digest(given, expected):
        return None
    expires, starts = _number(claims.get("exp")), _number(claims.get("nbf", 0))
    if expires is None or starts is None:
        return None
    if expires < now_s - _CLOCK_SKEW_S or starts > now_s + _CLOCK_SKEW_S:
        return None
    named = claims.get("aud")
    if audience and audience not in (named if isinstance(named, list) else [named]):
        return None
    subject = claims.get("sub")
    return claims if isinstance(subject, str) and subject else None


def _part(text: str) -> dict[str, Any] | None:
    data = _decoded(text)
    try:
        found = None if data is None else orjson.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
