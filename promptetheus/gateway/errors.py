"""What a request can be answered with instead of what it asked for."""

from __future__ import annotations


class Refused(Exception):
    """The request is answered with this status and `{"detail": …}`."""

    def __init__(self, status: int, detail: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s


class StoreUnavailable(Exception):
    """The store cannot take or give anything now: a full disk, a database that is away. The client tries again."""


def not_found(what: str) -> Refused:
    """404, also for what exists but belongs to somebody else: that it exists is nobody's business."""
    return Refused(404, f"{what} not found")
