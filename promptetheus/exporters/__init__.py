"""Sessions for other systems, imported when asked for: `OTLPExporter`, `export_session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptetheus.exporters.otlp import OTLPExporter, export_session

__all__ = ["OTLPExporter", "export_session"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from promptetheus.exporters import otlp

    return getattr(otlp, name)


def __dir__() -> list[str]:
    return sorted(__all__)
