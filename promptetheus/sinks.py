"""Where the events of a session go: the spool, the memory of a test, or a transport of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from promptetheus import guard
from promptetheus.artifacts import MAX_ARTIFACT_BYTES, store_artifact
from promptetheus.events import Event
from promptetheus.sampling import TailSamplingPolicy
from promptetheus.spool import LINE_LIMIT_BYTES, SpoolFile

NAMED_TRANSPORTS = ("auto", "spool", "http", "memory")

_PREVIEW_BYTES = 2_000


class Sink(Protocol):
    """What a session needs of the place that its events go to."""

    opens_session: bool
    """Whether the first event must be `session_started` even outside a `with` block."""

    def open(self, trace: dict[str, Any]) -> None: ...
    def write(self, event: Event) -> None: ...
    def store(self, data: bytes, extension: str) -> Mapping[str, Any] | None: ...
    def own_bytes(self) -> int | None: ...
    def sync(self) -> None: ...
    def flush(self, timeout: float | None) -> None: ...
    def decide(self, policy: TailSamplingPolicy, session_id: str, rate: float) -> None: ...
    def close(self) -> None: ...


def make_sink(transport: Any, spool_dir: Path, session_id: str) -> Sink:
    """The sink for a `transport=` argument. An unknown name is reported once and records to the spool."""
    if transport is None or isinstance(transport, str):
        name = transport or "auto"
        if name == "memory":
            from promptetheus.transport import InMemoryTransport

            return TransportSink(InMemoryTransport(), session_id)
        if name not in NAMED_TRANSPORTS:
            guard.report(
                "settings.transport",
                f"transport={name!r} is unknown, recording to the spool; known: {', '.join(NAMED_TRANSPORTS)}",
            )
        return SpoolSink(spool_dir, session_id)
    return TransportSink(transport, session_id)


class SpoolSink:
    """Lines in the spool file of the session."""

    opens_session = True

    def __init__(self, spool_dir: Path, session_id: str) -> None:
        self._directory = spool_dir
        self._file = SpoolFile(spool_dir, session_id)

    def open(self, trace: dict[str, Any]) -> None:
        """Nothing: the first line opens the session."""

    def write(self, event: Event) -> None:
        """Append the event; what cannot be written is counted and reported."""
        from promptetheus.encoding import encode_line

        line = encode_line(event)
        if len(line) > LINE_LIMIT_BYTES:
            line = encode_line(self._shrink(event))
        if self._file.append(line):
            guard.count("recorded")
        else:
            guard.report("dropped.unwritable", f"cannot write to {self._file.path}: {self._file.last_error}")

    def store(self, data: bytes, extension: str) -> Mapping[str, Any] | None:
        """Keep a picture or recording; None when it is too large or cannot be written."""
        if len(data) > MAX_ARTIFACT_BYTES:
            guard.report("dropped.artifact", f"a file of {len(data)} bytes is larger than an artifact may be")
            return None
        try:
            kept = store_artifact(self._directory, data, extension)
        except OSError as error:
            guard.report("dropped.artifact", f"cannot keep an artifact: {error}")
            return None
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}

    def own_bytes(self) -> int | None:
        """Bytes in the file so far if they are all ours, else None: a summary would not be the whole."""
        return self._file.written_bytes if self._file.base_bytes == 0 else None

    def sync(self) -> None:
        """Ask the disk to keep what was written."""
        self._file.sync()

    def flush(self, timeout: float | None) -> None:
        """Nothing: every line was written when its call returned."""

    def decide(self, policy: TailSamplingPolicy, session_id: str, rate: float) -> None:
        """Keep the ended session, or take its file away again, as the policy says."""
        import json

        path = self._file.path
        if self._file.base_bytes:
            return
        lines = path.read_bytes().splitlines()
        decision = policy.decide(map(json.loads, lines), session_id=session_id, head_sample_rate=rate)
        if decision.keep:
            return
        guard.count("dropped.tail_sampled", len(lines))
        self._file.close()
        path.unlink()
        if policy.emit_skeleton_on_drop:
            end = json.loads(lines[-1])
            end["payload"].update(
                tail_dropped=True, tail_drop_reason=decision.reason, tail_dropped_event_count=len(lines)
            )
            self.write(json.loads(lines[0]))
            self.write(end)

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        self._file.close()

    def _shrink(self, event: Event) -> Event:
        """The event with its largest values moved to artifacts, each replaced by a reference and a preview."""
        import orjson

        from promptetheus.encoding import jsonable

        small = {**event, "payload": jsonable(event["payload"])}
        if "metadata" in event:
            small["metadata"] = jsonable(event["metadata"])
        guard.count("truncated.line")
        for part in ("payload", "metadata"):
            values: dict[str, Any] = small.get(part) or {}
            sizes = {key: len(orjson.dumps(item)) for key, item in values.items()}
            for key, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
                if size <= LINE_LIMIT_BYTES // 64:
                    break
                item = values[key]
                text = isinstance(item, str)
                data = item.encode() if text else orjson.dumps(item)
                reference = self.store(data, "txt" if text else "json") or {}
                preview = data[:_PREVIEW_BYTES].decode(errors="ignore")
                values[key] = {**reference, "size_bytes": len(data), "preview": preview, "truncated": True}
        if len(orjson.dumps(small)) > LINE_LIMIT_BYTES - 1:  # thousands of middling values
            small["payload"] = {"truncated": True, "keys": sorted(map(str, small["payload"]))[:100]}
            small.pop("metadata", None)
        return small


class TransportSink:
    """A transport object of the user: `send_event` or `send_batch`, and if it has them `create_trace`,
    `upload_artifact` and `flush`. Whatever it raises is reported, never passed on."""

    opens_session = False

    def __init__(self, transport: Any, session_id: str) -> None:
        self.transport = transport
        self._session_id = session_id

    def open(self, trace: dict[str, Any]) -> None:
        """Announce the session to a transport that wants to know."""
        create = getattr(self.transport, "create_trace", None)
        if create is not None:
            self._try("create_trace", create, trace)

    def write(self, event: Event) -> None:
        """Send one event."""
        send = getattr(self.transport, "send_event", None)
        if send is not None:
            self._try("send", send, event)
        elif hasattr(self.transport, "send_batch"):
            self._try("send", self.transport.send_batch, [event])
        else:
            guard.report("dropped.transport", f"{type(self.transport).__name__} cannot send events")
            return
        guard.count("recorded")

    def store(self, data: bytes, extension: str) -> Mapping[str, Any] | None:
        """Upload a picture or recording; None when the transport cannot or did not."""
        upload = getattr(self.transport, "upload_artifact", None)
        if upload is None:
            return None
        picture = extension in ("png", "jpg", "gif", "webp", "bin")
        found = self._try(
            "upload",
            lambda: upload(
                self._session_id,
                body=data,
                content_type="image/png" if picture else "video/webm",
                filename=f"artifact.{extension}",
                artifact_type="screenshot" if picture else "replay",
            ),
        )
        if isinstance(found, Mapping) and found.get("artifact_id") and found.get("storage_path"):
            return {"artifact_id": found["artifact_id"], "storage_path": found["storage_path"]}
        return None

    def own_bytes(self) -> int | None:
        """None: there is no file."""
        return None

    def sync(self) -> None:
        """Nothing to sync."""

    def flush(self, timeout: float | None) -> None:
        """Flush the transport; one that takes no timeout is called without."""
        flush = getattr(self.transport, "flush", None)
        if flush is None:
            return
        try:
            flush(timeout=timeout)
        except TypeError:
            self._try("flush", flush)
        except Exception as error:
            guard.report("failed.flush", f"flushing failed: {type(error).__name__}", error)

    def decide(self, policy: TailSamplingPolicy, session_id: str, rate: float) -> None:
        """Nothing: what was sent is sent."""

    def close(self) -> None:
        """Nothing: the transport belongs to the user."""

    def _try(self, what: str, call: Any, *args: Any) -> Any:
        try:
            return call(*args)
        except Exception as error:
            guard.report(f"failed.{what}", f"the transport failed: {type(error).__name__}", error)
            return None
