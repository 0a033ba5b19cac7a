"""A PostgreSQL server of one's own: in a temporary directory, on a free port of 127.0.0.1, not as root."""

from __future__ import annotations

import itertools
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

_START_S = 60.0
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoPostgres(Exception):
    """There is none to start here; the message says why."""


def binaries() -> Path:
    """Where initdb and postgres are. Raises NoPostgres."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    places = [*reversed(installed), *map(Path, os.get_exec_path())]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise NoPostgres("PostgreSQL is not installed (apt-get install postgresql)")


class PostgresServer:
    """Runs while the block does.

    Args:
        durable: As it comes; otherwise without waiting for the disk, for tests.
        directory: Where to keep everything; None: a temporary one.
        settings: Further ones, as `name=value`.
    """

    def __init__(
        self, *, durable: bool = False, directory: Path | None = None, settings: tuple[str, ...] = ()
    ) -> None:
        self._directory = directory or Path(tempfile.mkdtemp(prefix="promptetheus-postgres-"))
        own = () if durable else _FAST
        self._settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", *own, *settings)
        self._databases = itertools.count(1)

    def __enter__(self) -> Self:
        programs = binaries()
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            name = "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else "nobody"
            found = pwd.getpwnam(name)
            self._user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
            os.chown(self._directory, found.pw_uid, found.pw_gid)
        data = self._directory / "data"
        made = subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            capture_output=True,
            text=True,
            cwd=self._directory,
            **self._user,
        )
        if made.returncode:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise NoPostgres(f"initdb failed: {made.stderr.strip()[-300:]}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()
        return self

    def start(self) -> None:
        """Run the server, also after it ended by itself; returns when it takes connections."""
        settings = [word for setting in self._settings for word in ("-c", setting)]
        with open(self._directory / "log", "wb") as log:
            self._process = subprocess.Popen(
                [binaries() / "postgres", "-D", self._directory / "data", "-p", str(self.port), *settings],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                **self._user,
            )
        self._wait()

    @property
    def is_running(self) -> bool:
        """Whether the server is there; it may be about to recover."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it at once, as a crash would."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def __exit__(self, *error: object) -> None:
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process whose children serve the connections."""
        return self._process.pid

    def url(self, user: str = "postgres") -> str:
        """The connection string of a user."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """The connection string of an empty schema; to its owner it is a database like any other, made in no time.

        The owner is no superuser: row level security binds it.
        """
        import psycopg

        name = f"gateway_{next(self._databases)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"create role {name} login".encode())
            connection.execute(f"grant temporary on database postgres to {name}".encode())
            connection.execute(f"create schema {name} authorization {name}".encode())
            connection.execute(f"alter role {name} set search_path = {name}".encode())
        return self.url(name)

    def _wait(self) -> None:
        import psycopg

        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                log = (self._directory / "log").read_text(errors="replace")[-500:]
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise NoPostgres(f"the server did not start: {log}") from None
                time.sleep(0.05)
