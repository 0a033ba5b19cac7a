"""Names that adapters written against release 2.0.1 import from here."""

from promptetheus.adapters.arguments import coerce_arguments, run_key, safe_str
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.usage import extract_token_usage

__all__ = [
    "BoundedRunState",
    "coerce_arguments",
    "extract_token_usage",
    "require_extra",
    "run_key",
    "safe_str",
]
