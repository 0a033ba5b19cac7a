"""Many lines at once must say what each line says by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.encoding import encode_line
from promptetheus.queries.event_line import Peek, peek
from promptetheus.queries.plain_lines import plain_lines
from promptetheus.queries.session_log import SessionLog
from tests.queries.written import line


def an_event(seq: int, **fields: object) -> bytes:
    event = {
        "type": "tool_call", "session_id": "a", "timestamp": "2026-11-18T10:00:00Z", "seq": seq,
        "idempotency_key": f"a:0:{seq}", "payload": {}, **fields,
    }  # fmt: skip
    return encode_line(event)


texts = st.text(max_size=30)
lines = st.lists(
    st.one_of(
        st.integers(0, 10**16).map(lambda seq: an_event(seq, payload={"content": "hello"})),
        texts.map(lambda text: an_event(1, payload={"content": text, text: text})),
        texts.map(lambda text: an_event(2, session_id=text or "a", span_id=text)),
        st.sampled_from(["A", 'x","type":"b', "tool\\call", "", "ü" * 50]).map(
            lambda kind: an_event(3, type=kind)
        ),
        st.just(an_event(4, payload={"event": {"idempotency_key": "k", "seq": 9, "session_id": "b"}})),
        st.just(an_event(5, payload={"a": {}, "seq": 9, "session_id": "b", "timestamp": "t", "type": "x"})),
        st.just(an_event(6, payload=[[[]]] * 300)),
        st.just(an_event(7).replace(b"\n", b"\r\n")),
        st.integers(1, 120).map(lambda cut: an_event(8)[:cut] + b"\n"),
        st.integers(1, 120).map(lambda cut: an_event(9)[:cut] + an_event(10)),
        st.binary(max_size=40).map(lambda junk: junk.replace(b"\n", b" ") + b"\n"),
        st.sampled_from([b"\n", b"{}\n", b'"}\n', b'{"seq":1,"type":"x"}\n']),
    ),
    min_size=1,
    max_size=6,
)


@given(lines=lines)
def test_what_is_believed_at_once_is_believed_line_by_line(lines: list[bytes]) -> None:
    block = b"".join(lines)
    found = plain_lines(block)
    if found is None:
        return
    assert [
        block[start : start + length] for start, length in zip(found.starts, found.lengths, strict=True)
    ] == lines
    each = [peek(text.removesuffix(b"\n")) for text in lines]
    assert [item.seq if isinstance(item, Peek) else item for item in each] == found.seqs


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_of_our_own_encoder_are_taken_at_once(end: bytes) -> None:
    lines = [
        an_event(seq, span_id="s", payload={"x": "y" * seq * 30}).replace(b"\n", end) for seq in range(50)
    ]
    found = plain_lines(b"".join(lines))
    assert found is not None
    assert found.seqs == list(range(50))
    assert found.lengths == [len(text) for text in lines]


def test_a_log_read_at_once_is_the_log_read_line_by_line(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    order = [*range(400), 350, 350, *range(500, 800), 100]
    path.write_bytes(b"".join(line("a", seq, content=str(seq)) for seq in order))

    def contents() -> list[object]:
        log = SessionLog(path)
        while log.poll(5000).more:
            pass
        return [[log.seq_of(number), log.type_of(number), log.event(number)] for number in range(len(log))]

    at_once = contents()
    monkeypatch.setattr("promptetheus.queries.session_log.plain_lines", lambda _block: None)
    assert at_once == contents()
