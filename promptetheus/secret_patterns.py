"""What secrets look like in text: one table, each row with the literals without which it cannot match.

The literals are looked for first, in the encoded event as a whole: most events have none of them and are done.
A prefix that is a word of its own needs a boundary in front; the text may be a `repr`, where a line break is
the two characters `\\n`, and the boundary is then the `n`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import NamedTuple

RUN_LENGTH = 18
RUN_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~"

_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt]))"

SECRET_WORDS = (
    "password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "api-key", "authorization",
    "private_key", "private-key", "privatekey", "access_key", "accesskey", "session_key", "credential",
    "cookie", "accountkey", "account_key",
)  # fmt: skip
"""Values under a key that contains one of these are replaced whole."""

_ASSIGNED = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_\- ]?key|access[_\-]?key|private[_\-]?key|account[_\-]?key|"
    r"session[_\-]?key|credentials?)"
)


_ASSIGNED_NEEDLES = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "api key",
    *(f"{whose}{link}key" for whose in ("api", "access", "private", "account", "session") for link in ("", "_", "-")),
)  # fmt: skip


class SecretPattern(NamedTuple):
    """A row of the table."""

    name: str
    needles: tuple[str, ...]
    """A text that has none of these literals cannot match. Those of a pattern in words are lower-case and looked
    for in any case, those of a pattern in runs as they are."""
    expression: re.Pattern[str]
    """What is replaced: the last group that took part, or the whole match of an expression without groups."""
    confirm: Callable[[re.Match[str]], bool] | None = None
    """A last check of a match; None: every match is a secret."""
    in_run: bool = False
    """Whether a secret of this kind is a run of at least `RUN_LENGTH` letters, digits and `_ - . ~`. Few texts
    have such runs, and only they are searched."""


def secret_of(match: re.Match[str]) -> str:
    """The part of a match that is to be replaced."""
    return match.group(match.lastindex or 0)


def _looks_made_up(match: re.Match[str]) -> bool:
    """Whether a word is no word of a language: long, or with digits or signs in it."""
    word = secret_of(match)
    return len(word) >= 20 or not word.isalpha()


def _is_basic_login(match: re.Match[str]) -> bool:
    try:
        return b":" in base64.b64decode(secret_of(match) + "===", validate=False)
    except ValueError:
        return False


_NO_NUMBER = re.compile(r"[^0-9,. \-]")


def _is_assigned_secret(match: re.Match[str]) -> bool:
    value, separator, quote = secret_of(match), match.group("is"), match.group("quote")
    value = value.strip("()[]{} ") or value
    if value.lower() in ("none", "null", "true", "false") or value.startswith(("REDACTED", "sha256:")):
        return False
    if "token" in match.group().lower() and not _NO_NUMBER.search(value):
        return False  # max_tokens=100, or [100, 200]
    # "token: expected" in a sentence is no assignment.
    return separator != ":" or bool(quote) or not value.isalpha()


_NO_WORD = re.compile(r"[0-9!@#$%^&*+=~|]|[a-z][A-Z]")


def _is_told_secret(match: re.Match[str]) -> bool:
    """In a sentence only what is no word of a language: "the password is wrong" tells nothing."""
    value = secret_of(match).rstrip(".!?:")
    if value.isdigit() and "token" in match.group().lower():
        return False  # the token usage is 51200
    return bool(match.group("quote")) or (len(value) >= 4 and _NO_WORD.search(value) is not None)


def passes_luhn(text: str) -> bool:
    """Whether digits are a card number: its issuer's range and length and its check digit.

    https://en.wikipedia.org/wiki/Payment_card_number, https://en.wikipedia.org/wiki/Luhn_algorithm
    """
    digits = [int(character) for character in text if "0" <= character <= "9"]
    if not _CARD_RANGES.fullmatch("".join(map(str, digits))):
        return False
    doubled = [d * 2 - 9 if d > 4 else d * 2 for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_CARD_RANGES = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|"
    r"35\d{14}|6(?:011|4[4-9]\d|5\d\d|2\d\d)\d{12,15}"
)
CARD = re.compile(r"(?:(?<![0-9A-Za-z])|(?<=\\[nrt]))[0-9](?:[ \-]?[0-9]){12,18}(?![0-9A-Za-z])")


def _row(
    name: str, needles: str, expression: str, confirm: Callable[[re.Match[str]], bool] | None = None
) -> SecretPattern:
    return SecretPattern(name, tuple(needles.split("|")), re.compile(expression), confirm)


def _run(name: str, needles: str, expression: str) -> SecretPattern:
    return SecretPattern(name, tuple(needles.split("|")), re.compile(expression), in_run=True)


SECRET_PATTERNS: tuple[SecretPattern, ...] = (
    # PEM: up to the end marker, or to the end of a text that was cut before it.
    _row("private-key", "-----begin", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----END))*"
         r"(?:-----END [A-Z0-9 ]{0,40}-----)?"),
    _row("authorization", "authorization", r"(?i)authorization['\"\\]{0,3}\s{0,4}[:=]\s{0,4}['\"\\]{0,3}"
         r"((?:(?:basic|bearer|token|digest|negotiate|apikey)\s{1,4})?[^\s'\",;\\(\[{]{3,}|[(\[{][^)\]}\r\n]{1,4096})"),
    _row("cookie", "cookie", r"(?i)cookies?['\"\\]{0,3}\s{0,4}[:=]\s{0,4}"
         r"(?:['\"]([^'\"\r\n]{1,4096})|([(\[{][^)\]}\r\n]{1,4096}|[^\s'\"=;,]{1,256}=[^\r\n'\"]{1,4096}))"),
    _row("bearer", "bearer", r"(?i)bearer\s{1,8}([A-Za-z0-9._~+/\-]{6,}=*)", _looks_made_up),
    _row("basic", "basic", r"(?i)basic\s{1,8}([A-Za-z0-9+/]{8,}={0,2})", _is_basic_login),
    _row("url-password", "@", r"(?<=://)([^\s/:@'\"]{0,256}:[^\s/'\"]{1,256})(?=@)"),
    _row("url-signature", "sig=|signature=", r"(?i)(?:[?&]|amz-|goog-)(?:sig|signature)=([^\s&'\"]{8,})"),
    _run("jwt", "eyJ", r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{2,}(?:\.[A-Za-z0-9_\-]*)?"),
    _run("openai-anthropic", "sk-", _START + r"sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_\-]{16,}"),
    _run("google", "AIza|ya29|GOCSPX-|AQ.",
         r"AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}|"
         + _START + r"AQ\.[A-Za-z0-9_\-]{30,}"),
    _run("aws", "AKIA|ASIA|ABIA|ACCA|ABSK|bedrock-api-key-",
         r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])|(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/]{40,}={0,2}"),
    _run("azure", "Q~|JQQJ99|AZDO",
         r"[A-Za-z0-9_~.\-]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,40}|[A-Za-z0-9]{40,76}(?:JQQJ99|AZDO)[A-Za-z0-9]{4,40}"),
    _run("github", "ghp_|gho_|ghu_|ghs_|ghr_|github_pat_",
         r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    _run("gitlab", "pat-|ptt-|gldt-|glrt-|cbt-|soat-|glft-|imt-|oas-|agent-",
         r"gl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|oas|agent)-[A-Za-z0-9_.\-]{16,}"),
    _run("slack", "xox|xapp-", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9\-]{13,}|xapp-[A-Za-z0-9\-]{13,}"),
    _row("slack-hook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{10,}"),
    _run("stripe", "_live_|_test_|whsec_",
         r"[sr]k_(?:org_)?(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/]{16,}=*"),
    _run("hugging-face", "hf_|api_org_", r"(?:hf_|api_org_)[A-Za-z0-9]{20,}"),
    _run("npm", "npm_", r"npm_[A-Za-z0-9]{20,}"),
    _run("pypi", "pypi-Ag", r"pypi-Ag[A-Za-z0-9_\-]{16,}"),
    _run("model-service", "gsk_|xai-|r8_|tvly-|lsv2_|pplx-|_live_|SG.",
         r"(?:gsk_|xai-|r8_|pplx-|pt_live_)[A-Za-z0-9]{20,}|tvly-[A-Za-z0-9\-]{20,}|lsv2_[a-z]{2}_[A-Za-z0-9_]{20,}|"
         r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    _row("assignment", "|".join(_ASSIGNED_NEEDLES),
         r"(?i)" + _ASSIGNED + r"[A-Za-z0-9_\-]{0,24}\\?(?:['\"]\]?)?\s{0,4}(?P<is>=>?|:)\s{0,4}"
         # A text in quotes, a word, or a list, dictionary or call up to its first closing bracket.
         r"(?P<quote>\\?['\"])?(?:(?<=['\"])([^'\"\r\n\\]{1,512})|"
         r"([^\s,;&'\"<>(){}\[\]\\]{1,512}(?:[(\[{][^)\]}\r\n]{1,512})?|[(\[{][^)\]}\r\n]{1,512}))",
         _is_assigned_secret),
    _row("told", "|".join(_ASSIGNED_NEEDLES),
         r"(?i:" + _ASSIGNED + r"(?:\s{1,4}(?!is\b|was\b)[a-z]{1,16}){0,3}?\s{1,4}(?:is|was|will be)\s{1,4}"
         r"(?:now |set to |still )?|"
         r"(?:password|passphrase|passwd|pwd)\s{1,4})"
         r"(?P<quote>\\?['\"`])?(?:(?<=['\"`])([^'\"`\r\n\\]{1,512})|([^\s,;&'\"`<>(){}\[\]\\]{1,512}))",
         _is_told_secret),
    # The second of two texts: `auth=("user", "password")`, as HTTP clients take it.
    _row("login-pair", "auth", r"(?i)auth['\"\\]{0,3}\s{0,4}[:=]\s{0,4}[(\[]\s{0,4}"
         r"\\?['\"][^'\"\r\n\\]{0,256}\\?['\"]\s{0,4},\s{0,4}\\?['\"]([^'\"\r\n\\]{1,512})|"
         r"auth['\"\\]{0,3}\s{0,4}[:=]\s{0,4}\\?['\"]([^'\"\r\n\\:]{0,256}:[^'\"\r\n\\]{1,512})"),
    # Bounded, and anchored behind a character that is no part of an address: linear on `a.a.a.a…`.
    _row("email", "@", r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,253}\.[A-Za-z]{2,24}"),
)  # fmt: skip
"""In this order; what one has replaced the next does not see."""
