"""Explicit control of the run's boundary: `with promptetheus.trace.start(...) as session`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from promptetheus import guard
from promptetheus.redaction import Redactor
from promptetheus.sampling import TailSamplingPolicy
from promptetheus.session import Session
from promptetheus.settings import get_config
from promptetheus.spool import DEFAULT_SPOOL_DIR


def start(
    *,
    agent: str,
    user_goal: str,
    session_id: str | None = None,
    project_id: str | None = None,
    api_key: str | None = None,
    environment: str | None = None,
    transport: Any = None,
    endpoint: str | None = None,
    spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
    redact: Redactor | Literal["default"] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: list[str] | tuple[str, ...] | None = None,
    sample_rate: float | None = None,
    tail_sample: bool = False,
    event_sample_rates: Mapping[str, float] | None = None,
    tail_policy: TailSamplingPolicy | None = None,
    **ignored: Any,
) -> Session:
    """A session that has not begun: enter it with `with`, or call its helpers and then `end`.

    What is not given of `project_id`, `environment`, `redact` and `sample_rate` comes from the settings.
    `api_key` and `endpoint` name where delivery sends the spool; recording does not need them. An unknown
    argument is reported once and ignored.
    """
    if ignored:
        guard.report("settings.invalid", f"start() ignores unknown arguments: {', '.join(sorted(ignored))}")
    config = get_config()
    return Session(
        agent=agent,
        user_goal=user_goal,
        session_id=session_id,
        project_id=project_id if project_id is not None else config.project_id,
        environment=environment if environment is not None else config.environment,
        transport=transport,
        redact=redact if redact is not None else ("default" if config.redact == "default" else None),
        metadata=metadata,
        tags=tags,
        sample_rate=config.sample_rate if sample_rate is None else sample_rate,
        tail_sample=tail_sample,
        event_sample_rates=event_sample_rates,
        tail_policy=tail_policy,
        spool_dir=spool_dir,
    )
