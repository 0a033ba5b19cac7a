"""A gateway in a process of its own, as people run it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PATIENCE_S = 60.0
KEY = "pt_dev_key"


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of a condition. Fails after a minute: the machine may be busy."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not happen in {PATIENCE_S:.0f} s: {what}")


class RunningGateway:
    """`promptetheus dev`, or another command, on a free port."""

    def __init__(
        self,
        directory: Path,
        *,
        url: str | None = None,
        command: str = "dev",
        host: str = "127.0.0.1",
        **variables: str,
    ) -> None:
        place = ["--host", host, "--port", "0", "--dir", str(directory)]
        self._words = [sys.executable, "-m", "promptetheus.cli", command, *place]
        self._environment = {name: text for name, text in os.environ.items() if "PROMPTETHEUS" not in name}
        self._environment.update(variables)
        self._environment.pop("DATABASE_URL", None)
        if url:
            self._environment["DATABASE_URL"] = url
        self._log = directory.with_name(f"{directory.name}-{uuid.uuid4().hex}.log")
        self.port = 0

    def __enter__(self) -> Self:
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self._words, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            eventually(self._is_up, f"start: {self.said()}")
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop(signal.SIGTERM)

    def stop(self, by: signal.Signals) -> None:
        """End it; returns when it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """What it printed so far."""
        return self._log.read_text(errors="replace")

    def request(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a request. Raises OSError and HTTPException when there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Authorization": f"Bearer {KEY}", **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        status, found = self.request("GET", path)
        assert status == 200, (path, status, found)
        return found

    def _is_up(self) -> bool:
        assert self.process.poll() is None, self.said()
        ports = re.findall(r"gateway at http://\S+:(\d+),", self.said())
        if not ports:
            return False
        self.port = int(ports[-1])
        try:
            return self.request("GET", "/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False
