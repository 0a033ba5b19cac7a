"""PgBouncer before a PostgreSQL server: each transaction goes to any of its few connections."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

_START_S = 60.0


class NoPooler(Exception):
    """There is none to start here; the message says why."""


class Pooler:
    """Runs while the block does.

    Args:
        url: The connection string of the database behind it; its user needs no password.
        servers: So many connections to the server, shared by all clients.
    """

    def __init__(self, url: str, *, servers: int) -> None:
        self._database = urlsplit(url)
        self._servers = servers

    def __enter__(self) -> Self:
        program = shutil.which("pgbouncer", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
        if program is None:
            raise NoPooler("PgBouncer is not installed (apt-get install pgbouncer)")
        self._directory = Path(tempfile.mkdtemp(prefix="promptetheus-pooler-"))
        user: dict[str, Any] = {}
        if os.getuid() == 0:  # it does not run as root
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self._directory, nobody.pw_uid, nobody.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        host, port, name = self._database.hostname, self._database.port, self._database.username
        (self._directory / "users.txt").write_text(f'"{name}" ""\n')
        settings = self._directory / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {self._directory}/users.txt\npool_mode = transaction\n"
            f"default_pool_size = {self._servers}\nserver_round_robin = 1\n"
        )
        with open(self._directory / "log", "wb") as log:
            self._process = subprocess.Popen(
                [program, str(settings)], stdout=log, stderr=log, cwd=self._directory, **user
            )
        self._wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def url(self) -> str:
        """The connection string of the same database through the pooler."""
        return f"postgresql://{self._database.username}@127.0.0.1:{self.port}{self._database.path}"

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._directory / "log").read_text(errors="replace")[-500:]
                    raise NoPooler(f"PgBouncer did not start: {log}") from None
                time.sleep(0.05)
