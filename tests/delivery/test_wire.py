"""What an answer says of a batch, and what a request looks like."""

from __future__ import annotations

import gzip
import json

import pytest

from promptetheus.delivery import wire
from promptetheus.delivery.wire import Accounting, Refusal, account

KEYS = ["k0", "k1"]
BOTH = (Refusal(0, "rejected"), Refusal(1, "rejected"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"accepted":2,"rejected":[]}', Accounting((), True)),
        ('{"accepted":1,"rejected":[{"index":1}]}', Accounting((Refusal(1, "rejected"),), True)),
        ('{"accepted":1,"rejected":[{"index":1,"reason":"seq"}]}', Accounting((Refusal(1, "seq"),), True)),
        ('{"accepted":1,"rejected":[{"idempotency_key":"k0"}]}', Accounting((Refusal(0, "rejected"),), True)),
        ('{"accepted":0,"rejected":[{"index":0},{"index":1}]}', Accounting(BOTH, True)),
        ('{"accepted":1,"rejected":[{"index":1},{"index":1}]}', Accounting((Refusal(1, "rejected"),), True)),
        ('{"accepted":2,"rejected":[{"index":1}]}', Accounting((Refusal(1, "rejected"),), False)),
        ('{"accepted":2,"rejected":[{"index":9}]}', Accounting((), True)),
        ('{"accepted":2,"rejected":"none"}', Accounting((), True)),
        ('{"accepted":1}', Accounting((), False)),
        ('{"accepted":3}', Accounting((), False)),
        ('{"accepted":true}', Accounting((), False)),
        ('{"accepted":-2}', Accounting((), False)),
        ("{}", Accounting((), False)),
        ("[1]", Accounting((), False)),
        ("", Accounting((), False)),
        ("<html>", Accounting((), False)),
    ],
)  # fmt: skip
def test_an_answer_counts_only_when_it_adds_up(answer: str, expected: Accounting) -> None:
    assert account(answer.encode(), KEYS) == expected


def test_an_id_is_quoted_in_the_url() -> None:
    url = wire.trace_url("http://127.0.0.1:1", "a b/../?x#y", "events")
    assert url == "http://127.0.0.1:1/api/traces/a%20b%2F..%2F%3Fx%23y/events"


def test_lines_of_the_spool_become_a_body_as_they_are() -> None:
    assert json.loads(wire.batch_body([b'{"a":1}\n', b'{"b":2}\n'])) == {"events": [{"a": 1}, {"b": 2}]}


def test_a_body_is_compressed_when_that_pays() -> None:
    small, headers = wire.compressed(b"x" * 100)
    assert small == b"x" * 100 and "Content-Encoding" not in headers
    large, headers = wire.compressed(b"x" * 10_000)
    assert gzip.decompress(large) == b"x" * 10_000 and headers["Content-Encoding"] == "gzip"


def test_artifacts_are_found_wherever_a_line_names_them_but_not_in_a_text() -> None:
    path = f"artifacts/ab/{'0' * 64}.png"
    line = json.dumps({"payload": {"deep": [{"storage_path": path}]}}, separators=(",", ":")).encode()
    assert wire.artifact_paths(line) == [path]
    quoted = json.dumps({"payload": {"content": line.decode()}}, separators=(",", ":")).encode()
    assert wire.artifact_paths(quoted) == []
    outside = json.dumps({"storage_path": "artifacts/../../etc/passwd"}, separators=(",", ":")).encode()
    assert wire.artifact_paths(outside) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: float | None) -> None:
    assert wire.retry_after_s(value, 1_795_341_600.0) == expected
