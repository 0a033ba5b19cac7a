"""`AsyncSession` under the module name that agents import from since release 1."""

from promptetheus.async_session import AsyncSession

__all__ = ["AsyncSession"]
