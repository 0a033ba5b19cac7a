"""Secrets of every kind, planted in every position of every type of event: none reaches disk, artifacts or wire."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import promptetheus as pt
from promptetheus.events import EVENT_TYPES
from promptetheus.redaction import build_default_redactor
from promptetheus.transport import InMemoryTransport
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, events_of

CORE = "Qx7Wz9Kp2Lm4Nv6Ht8Jd3Rf5"
"""Part of every planted secret, and of nothing else."""

UPPER = CORE[:16].upper()
SECRETS = {
    "OpenAI": f"sk-proj-{CORE}{CORE}",
    "Anthropic": f"sk-ant-api03-{CORE}",
    "Google": f"AIza{CORE}{CORE[:11]}",
    "AWS": f"AKIA{UPPER}",
    "Azure": f"abc8Q~{CORE}{CORE[:10]}",
    "GitHub, classic": f"ghp_{CORE}{CORE[:12]}",
    "GitHub, fine-grained": f"github_pat_11{CORE}_{CORE}",
    "GitLab": f"glpat-{CORE[:20]}",
    "Slack": f"xoxb-123456789012-{CORE}",
    "Stripe": f"sk_live_{CORE}",
    "Hugging Face": f"hf_{CORE}{CORE[:10]}",
    "npm": f"npm_{CORE}{CORE[:12]}",
    "PyPI": f"pypi-AgEIcHlwaS5vcmc{CORE}",
    "JWT": f"eyJhbGciOiJIUzI1NiJ9.eyJ{CORE}.{CORE}",
    "bearer header": f"Authorization: Bearer {CORE}",
    "basic header": "Basic " + base64.b64encode(f"bob:{CORE}".encode()).decode(),
    "cookie": f"Cookie: session={CORE}; theme=dark",
    "PEM": f"-----BEGIN RSA PRIVATE KEY-----\n{CORE}\n-----END RSA PRIVATE KEY-----",
    "URL": f"postgres://bob:{CORE}@host/db",
    "assignment": f"DB_PASSWORD={CORE}",
    "repr of a dictionary": repr({"api_key": CORE}),
    "JSON in a text": json.dumps({"client_secret": CORE}),
    "login pair": f"auth=('bob', '{CORE}')",
    "sentence": f"my password is {CORE}",
    "e-mail": f"{CORE}@example.com",
}
CARD = "4242 4242 4242 4242"

TRACES = [CORE, UPPER, base64.b64encode(f"bob:{CORE}".encode()).decode(), CARD, CARD.replace(" ", "")]
"""What must not be found anywhere."""


class Holder:
    """Shows the secret in its repr."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return f"<Holder {self.secret}>"


@dataclasses.dataclass
class Record:
    note: Any


planted = st.sampled_from([*SECRETS.values(), CARD])
"""Texts that are secrets by themselves."""

named = st.sampled_from(
    [
        {"password": CORE}, {"headers": {"Authorization": CORE}}, {"api_key": [CORE, {"x": CORE}]}, {"token": CORE},
        {"auth": ["bob", CORE]}, {"auth": ("bob", CORE)}, {"auth": f"bob:{CORE}"}, {"Cookie": {"a": CORE}},
        {"clientSecret": CORE}, {"private-key": CORE}, {"nested": {"credentials": {"user": "bob", "value": CORE}}},
        {"input_tokens": CORE}, {"card": int(CARD.replace(" ", ""))},
    ]
)  # fmt: skip
"""Values that are secrets because of their key."""


def shapes(secret: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Every shape that a value with a secret can have."""
    leaf = st.one_of(
        secret,
        secret.map(lambda text: f"before it, {text} and after"),
        secret.map(lambda text: f"a line\n{text}\nanother"),
        secret.map(lambda text: {text: 1}),
        secret.map(lambda text: {text}),
        secret.map(lambda text: (text, None)),
        secret.map(Holder),
        secret.map(Record),
        secret.map(str.encode),
        secret.map(lambda text: b"\xff\xfe " + text.encode()),
        secret.map(lambda text: bytearray(text.encode())),
        secret.map(ValueError),
        secret.map(lambda text: "word " * 3_270 + text),
        secret.map(lambda text: [text, "word " * 300_000]),
        named,
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.dictionaries(st.sampled_from(["a", "content", "ü"]), inner, min_size=1, max_size=2),
            inner.map(lambda value: (value, None)),
            inner.map(Record),
        ),
        max_leaves=2,
    )


def everything_in(folder: Path) -> str:
    """All bytes of all files, and their names."""
    parts = []
    for path in folder.rglob("*"):
        parts.append(str(path).encode())
        if path.is_file():
            parts.append(path.read_bytes())
    return b"\n".join(parts).decode("latin-1")


def assert_clean(written: str) -> None:
    found = [written[max(0, at - 200) : at + 60] for trace in TRACES if (at := written.find(trace)) >= 0]
    assert found == []


def act(session: pt.Session, value: Any, text: str) -> None:
    """Record an event of every type with the value in every position that takes one."""
    for kind in EVENT_TYPES:
        if kind not in ("llm_call", "session_end"):
            session.event(kind, {"value": value, text: value}, {"note": value})
    session.user_message(value, metadata={"m": value})
    session.agent_message(value)
    session.tool_call(text, {"a": value}, call_id=text, metadata={"m": value})
    session.tool_result(text, result=value, error=text)
    session.retrieval(text, [{"id": text, "content": value, "metadata": {"m": value}}])
    session.browser_action(text, text, url=text)
    session.dom_snapshot(text, text, selected_values={"v": value}, warnings=[text])
    session.screenshot(text)
    session.replay_artifact(text, event_time_map={text: 1})
    session.llm_call(text, prompt_ref=text, messages_ref=text, metadata={"m": value})
    session.goal_check(False, [text])
    session.state_change(text, before=value, after=value)
    session.score(text, 0.5, comment=text, source=text)
    session.metric(text, 1, unit=text)
    session.error(RuntimeError(text))
    session.error(text, error_type=text)
    session.update_metadata(key=value)
    session.add_tags(text)
    with session.span(text, metadata={"m": value}):
        pt.tool(lambda given, *rest, **more: given)(value, value, named=value)
        list(pt.tool(lambda given: (yield given))(value))
    session.end("failed", error=text)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=shapes(planted), text=planted)
def test_no_secret_reaches_disk_artifacts_or_wire(
    value: Any, text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    told: list[Any] = []

    class Wire(InMemoryTransport):
        def create_trace(self, trace: dict[str, Any]) -> None:
            told.append(trace)

    wire = Wire()
    for options in ({"spool_dir": folder}, {"transport": wire}):
        with pt.start(
            agent=text, user_goal=text, project_id=text, environment=text, tags=[text], metadata={"m": value},
            redact="default", **options,
        ) as session:  # fmt: skip
            act(session, value, text)
    assert_clean(everything_in(folder))
    assert_clean(json.dumps([told, wire.events], ensure_ascii=False))
    assert {event["type"] for event in events_of(folder)} == set(EVENT_TYPES)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_every_kind_of_secret_is_found_in_every_type_of_event(secret: str, spool: Path) -> None:
    with a_session(spool, redact="default") as session:
        act(session, {"deep": [{"note": secret}]}, secret)
    assert_clean(everything_in(spool))
    assert all(len(json.dumps(event)) for event in events_of(spool))


@settings(max_examples=40, deadline=None)
@given(value=shapes(planted))
def test_what_was_redacted_has_nothing_left_to_redact(value: Any) -> None:
    for options in ({}, {"hash_values": True, "hash_key": "k"}):
        redactor = build_default_redactor(**options)  # type: ignore[arg-type]
        clean = redactor({"type": "metric", "payload": {"value": value}})
        assert list(redactor.findings(clean)) == []
        assert redactor(clean) == clean


def test_redaction_check_finds_nothing_in_a_session_that_was_redacted(spool: Path, program: Run) -> None:
    with a_session(spool, redact="default", session_id="clean") as session:
        act(
            session,
            {"password": CORE, "auth": ["bob", CORE], "note": SECRETS["basic header"]},
            SECRETS["cookie"],
        )
    done = program(
        "from promptetheus.cli import main; sys.exit(main(['redaction', 'check', 'clean', '--spool', SPOOL]))"
    )
    assert done.stdout == "Nothing would be replaced.\n"
