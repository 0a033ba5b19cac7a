"""Redaction happens before anything is written anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import promptetheus as pt
from promptetheus.events import EVENT_TYPES
from promptetheus.redaction import DefaultRedactor, Finding, build_default_redactor
from promptetheus.transport import InMemoryTransport
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, events_of, payloads

SECRET = "sk-ant-" + "Zz9Yy8Xx7Ww6Vv5Uu4Tt3"


def everything_in(folder: Path) -> bytes:
    """All bytes of all files, and their names."""
    return b"\n".join(
        str(path).encode() + (path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    )


def clean(value: Any, **options: Any) -> Any:
    return build_default_redactor(**options)({"payload": {"v": value}})["payload"]["v"]


# ── no secret reaches disk or transport ──────────────────────────────────────────────────────────────────────


class Holder:
    def __repr__(self) -> str:
        return f"<Holder {SECRET}>"


def wrappers() -> st.SearchStrategy[Any]:
    """The secret in every shape that a value can have."""
    leaf = st.sampled_from(
        [
            SECRET, f"text before {SECRET} and after", f"\n{SECRET}\n", {SECRET: 1}, {SECRET}, (SECRET,), Holder(),
            SECRET.encode(), b"\xff\xfe" + SECRET.encode(), ValueError(SECRET), {"password": "Zz9Yy8Xx7"},
            {"password": ["Zz9Yy8Xx7"]}, {"password": {"x": "Zz9Yy8Xx7"}}, f"password=Zz9Yy8Xx7{SECRET}",
            json.dumps({"api_key": "Zz9Yy8Xx7"}), repr({"token": "Zz9Yy8Xx7"}), {"a": {1: SECRET}},
            "x" * 16_370 + " " + SECRET, ["x" * 1_100_000, SECRET], bytearray(SECRET.encode()),
        ]
    )  # fmt: skip
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.dictionaries(
                st.sampled_from(["a", "content", "input_tokens", "ü"]), inner, min_size=1, max_size=2
            ),
            inner.map(lambda value: (value, None)),
        ),
        max_leaves=3,
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=wrappers(), kind=st.sampled_from([kind for kind in EVENT_TYPES if kind != "llm_call"]))
def test_a_secret_anywhere_in_any_event_reaches_neither_disk_nor_transport(
    value: Any, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    memory = InMemoryTransport()
    for options in ({"spool_dir": folder}, {"transport": memory}):
        with pt.start(
            agent=value if isinstance(value, str) else "a", user_goal=f"use {SECRET}", project_id=SECRET,
            environment=SECRET, tags=[SECRET], metadata={"m": value}, redact="default", **options,
        ) as session:  # fmt: skip
            session.event(kind, {"value": value, "name": value}, {"note": value})
            session.llm_call(SECRET, prompt_ref=SECRET, metadata={"m": value})
            session.update_metadata(key=value)
            with session.span(SECRET):
                session.error(RuntimeError(f"failed with {SECRET}"))
            session.end("failed", error=f"gave up {SECRET}")
    written = everything_in(folder) + json.dumps(memory.events).encode()
    assert b"Zz9Yy8Xx7" not in written
    assert len(events_of(folder)) == 8


def test_arguments_and_results_of_decorated_calls_are_clean(spool: Path) -> None:
    @pt.tool
    def login(user: str, password: str, api_key: str = "") -> dict[str, str]:
        return {"session_token": "Zz9Yy8Xx7", "user": user}

    @pt.observe(user_goal="g", spool_dir=spool, redact="default")
    def run(token: str) -> None:
        login("bob", "Zz9Yy8Xx7", api_key="Zz9Yy8Xx7")
        raise ValueError(f"no {SECRET}")

    with pytest.raises(ValueError, match="no"):
        run("Zz9Yy8Xx7")
    assert b"Zz9Yy8Xx7" not in everything_in(spool)
    call = next(p for p in payloads(spool, "tool_call") if p["tool_name"] == "login")
    assert call["arguments"] == {"args": "('bob', '[REDACTED]')", "kwargs": "{'api_key': '[REDACTED]'}"}


def test_what_a_transport_is_told_of_the_session_is_clean() -> None:
    told: list[dict[str, Any]] = []

    class Transport(InMemoryTransport):
        def create_trace(self, trace: dict[str, Any]) -> None:
            told.append(trace)

    for redact in ("default", lambda event: json.loads(json.dumps(event).replace(SECRET, "gone"))):
        with pt.start(
            agent="a", user_goal=f"use {SECRET}", metadata={"password": SECRET}, session_id="s",
            transport=Transport(), redact=redact,
        ):  # fmt: skip
            pass
    assert SECRET not in json.dumps(told)
    assert [trace["id"] for trace in told] == ["s", "s"]


def test_logs_of_ours_do_not_show_what_failed(spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    def redact(event: Any) -> Any:
        raise ValueError(f"cannot redact {event}")

    with a_session(spool, redact=redact) as session:
        session.user_message(SECRET)
    assert "the redactor failed" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in str(pt.stats())


# ── what stays ───────────────────────────────────────────────────────────────────────────────────────────────


def test_counts_of_tokens_stay(spool: Path) -> None:
    """Release 2.0.1 dropped every model call that had them."""
    with a_session(spool, redact="default") as session:
        session.llm_call(
            "gpt-5", input_tokens=12, output_tokens=3, metadata={"usage": {"reasoning_tokens": 2}}
        )
    assert payloads(spool, "llm_call") == [{"model": "gpt-5", "input_tokens": 12, "output_tokens": 3}]
    assert events_of(spool)[1]["metadata"] == {"usage": {"reasoning_tokens": 2}}


@pytest.mark.parametrize(
    "value",
    [
        {"max_tokens": 5, "completionTokens": 7, "total_tokens": None, "prompt_token_count": 3},
        {"completion_tokens_details": {"reasoning_tokens": 4, "text_tokens": 5}},
        {"tokens": [1, 2, 3], "token_usage": {"input": 5}},
        {"n_tokens": 5.5, "tokens_per_second": 99.1},
        {"password": None, "secret": True, "token": ""},
        "0123456789abcdef0123456789abcdef",
        {"call_id": "550e8400-e29b-41d4-a716-446655440000", "at": 1732261452123},
    ],
    ids=str,
)
def test_counts_ids_and_nothings_stay(value: Any) -> None:
    assert clean(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"api_tokens": ["abc", 5]}, {"api_tokens": ["[REDACTED]", 5]}),
        ({"auth_tokens": {"github": "abc", "n": 5}}, {"auth_tokens": {"github": "[REDACTED]", "n": 5}}),
        ({"token": 1234}, {"token": "[REDACTED]"}),
        ({"Set-Cookie": ["a=b"]}, {"Set-Cookie": "[REDACTED]"}),
        ({"x-api-key": "abc"}, {"x-api-key": "[REDACTED]"}),
        ({"userPassword": "abc"}, {"userPassword": "[REDACTED]"}),
        ({"card": 4111111111111111}, {"card": "[REDACTED]"}),
        ({"a@example.com": 1, "b@example.com": 2}, {"[REDACTED]": 1, "[REDACTED]_": 2}),
    ],
    ids=str,
)
def test_secrets_under_keys_in_numbers_and_in_keys_go(value: Any, expected: Any) -> None:
    assert clean(value) == expected


def test_the_envelope_stays() -> None:
    event = {
        "type": "metric",
        "session_id": SECRET,
        "seq": 1,
        "timestamp": "t",
        "idempotency_key": SECRET,
        "payload": {},
    }
    assert build_default_redactor()(event) == event


def test_the_event_of_the_agent_is_not_changed() -> None:
    event = {"payload": {"password": "x", "list": [SECRET]}}
    build_default_redactor()(event)
    assert event == {"payload": {"password": "x", "list": [SECRET]}}


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_extra_patterns_are_replaced_too_and_a_bad_one_raises_at_once() -> None:
    assert clean("ticket ABC-123", extra_patterns=[("ticket", r"ABC-\d+")]) == "ticket [REDACTED]"
    with pytest.raises(Exception, match=r"unterminated|missing"):
        build_default_redactor(extra_patterns=[("bad", "(")])


def test_keys_can_be_added_and_allowed() -> None:
    found = clean(
        {"Salary": 5, "token": "kept", "pin": "x"}, extra_sensitive_keys=["salary"], allow_keys=["TOKEN"]
    )
    assert found == {"Salary": "[REDACTED]", "token": "kept", "pin": "x"}


def test_hashes_are_keyed_and_correlate_equal_secrets() -> None:
    first, second = (clean({"token": "x", "password": "x"}, hash_values=True) for _ in range(2))
    assert first["token"] == first["password"]
    assert first["token"].startswith("sha256:")
    assert len(first["token"]) == len("sha256:") + 12
    assert first["token"] != second["token"]  # a key for each redactor
    assert first["token"] != "sha256:2d711642b726"  # what anybody could compute
    own = [clean({"token": "x"}, hash_values=True, hash_key="k")["token"] for _ in range(2)]
    assert own[0] == own[1]


def test_stats_say_what_was_taken_out_and_how_often(spool: Path) -> None:
    with a_session(spool, redact="default") as session:
        session.user_message("a@example.com b@example.com password=x1")
        session.tool_call("x", {"token": "x"})
    assert pt.stats()["redacted"] == {"assignment": 1, "email": 2, "key": 1}


def test_findings_name_the_place_and_the_rule() -> None:
    event = {"type": "tool_call", "payload": {"arguments": {"password": "hunter2", "to": ["a@b.io"]}}}
    assert list(build_default_redactor().findings(event)) == [
        Finding("payload.arguments.password", "key", 7),
        Finding("payload.arguments.to[0]", "email", 6),
    ]
    assert pt.stats()["redacted"] == {}


# ── redactors of the user ────────────────────────────────────────────────────────────────────────────────────


def test_a_redactor_of_ones_own_may_return_an_event_or_change_it_in_place(spool: Path) -> None:
    def in_place(event: dict[str, Any]) -> None:
        event["payload"]["content"] = "changed"

    with a_session(spool / "a", redact=lambda event: {**event, "payload": {"content": "new"}}) as session:
        session.user_message("old")
    with a_session(spool / "b", redact=in_place) as session:
        session.user_message("old")
    assert payloads(spool / "a", "user_message") == [{"content": "new"}]
    assert payloads(spool / "b", "user_message") == [{"content": "changed"}]


@pytest.mark.parametrize(
    "redact",
    [
        lambda event: None, lambda event: 5, lambda event: {}, lambda event: {"payload": 5}, lambda event: 1 / 0,
        lambda event: event | {"type": "unknown"}, lambda event: event | {"metadata": 5},
        lambda event: pt.current().user_message(SECRET),
    ],
    ids=["None", "number", "empty", "no payload", "raises", "unknown type", "no metadata", "records itself"],
)  # fmt: skip
def test_a_redactor_that_fails_costs_the_content_and_leaves_a_valid_event(
    redact: Callable[[Any], Any], spool: Path
) -> None:
    with a_session(spool, redact=redact) as session:
        session.user_message(SECRET)
        session.llm_call(SECRET)
        with session.span(SECRET):
            pass
    events = events_of(spool)
    assert SECRET.encode() not in everything_in(spool)
    kinds = [event["type"] for event in events if event["metadata"].get("redaction")]
    assert {"user_message", "llm_call", "state_change", "session_end"} <= set(kinds)
    assert pt.stats()["failed"]["redact"] > 0


def test_a_redactor_cannot_change_which_event_it_is(spool: Path) -> None:
    with a_session(
        spool, redact=lambda event: {**event, "session_id": "x", "seq": 0, "idempotency_key": "y"}
    ) as session:
        session.user_message("x")
    assert [event["seq"] for event in events_of(spool)] == [0, 1, 2]
    assert {event["session_id"] for event in events_of(spool)} == {session.session_id}


def test_an_unknown_name_of_a_redactor_means_the_default_one(spool: Path) -> None:
    """It failed open before: a typo must not put secrets on disk."""
    with a_session(spool, redact="defualt") as session:
        session.user_message(SECRET)
    assert SECRET.encode() not in everything_in(spool)
    assert pt.stats()["settings"] == {"invalid": 1}


def test_a_mistake_in_the_default_redaction_costs_the_content(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_session(spool, redact="default") as session:
        monkeypatch.setattr(DefaultRedactor, "encoded", lambda self, data: 1 / 0)
        session.user_message(SECRET)
        monkeypatch.undo()
    assert payloads(spool, "user_message") == [{"redaction": "failed"}]


def test_redaction_check_says_what_would_go(spool: Path, program: Run) -> None:
    with a_session(spool, session_id="one") as session:
        session.tool_call("login", {"password": "hunter2"})
    with a_session(spool, session_id="two") as session:
        session.user_message("harmless")
    done = program(
        """
        from promptetheus.cli import main
        codes = [main(["redaction", "check", name, "--spool", SPOOL]) for name in ("one", "two", "three")]
        open("notes.txt", "w").write("first\\npassword=hunter2\\n")
        codes.append(main(["redaction", "check", "notes.txt", "--json"]))
        print(codes)
        """
    )
    assert "[1] tool_call payload.arguments.password: key, 7 characters" in done.stdout
    assert "1 value(s) would be replaced: 1 key." in done.stdout
    assert "Nothing would be replaced." in done.stdout
    assert '"event": "line 2"' in done.stdout
    assert done.stdout.strip().endswith("[1, 0, 1, 1]")
    assert "hunter2" not in done.stdout
