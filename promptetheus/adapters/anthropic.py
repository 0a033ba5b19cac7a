"""Anthropic's client: messages, sync and async, whole and streamed, with its helpers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from promptetheus.adapters import anthropic_reading as reading
from promptetheus.adapters.asked_tools import AskedTools
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.scope import scope_of
from promptetheus.adapters.stainless import EveryClient, is_client, recorded_client
from promptetheus.adapters.stand_in import watched_call
from promptetheus.adapters.usage import get

ADAPTER = "anthropic"


class AnthropicApi:
    """What is recorded of calls to Anthropic, or to a server that speaks its format."""

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        self._session = session
        self._capture = capture_content
        self._asked = AskedTools(ADAPTER)

    def begin(self, path: str, body: Any, streamed: bool) -> ModelCall | None:
        scope = scope_of(self._session)
        if scope is None or not reading.is_message_call(path):
            return None
        self._asked.record(scope, lambda: reading.tool_outputs(body))
        model = get(body, "model")
        call = ModelCall(
            scope,
            model if isinstance(model, str) else None,
            adapter=ADAPTER,
            prompt=prompt_of(reading.prompt_in(body), capture=self._capture),
            streamed=streamed,
            metadata={"operation": "chat"},
        )
        call.on_tools = self._asked.remember
        return call

    def read(self, call: ModelCall, answer: Any) -> None:
        reading.read_message(call.answer, answer)

    def pieces(self, call: ModelCall) -> Callable[[Any], None]:
        return reading.MessagePieces(call)

    def failed(self, call: ModelCall, error: BaseException) -> None:
        """Anthropic's exceptions hold no answer."""


class AnthropicAdapter:
    """An Anthropic client whose calls are recorded; the client that is given stays as it is.

        client = AnthropicAdapter(anthropic.Anthropic())
        client.messages.create(model="claude-sonnet-4-5", max_tokens=1024, messages=[…])

    Use it as you would use the client: everything else is the client's own. Where something insists on an object of
    Anthropic's class, give it `adapter.client`, a client with the same settings that is recorded as well.

    Args:
        client: an `Anthropic`, `AsyncAnthropic`, Bedrock or Vertex client, or an object with `messages.create`.
        session: the session to record into; default the one that is current at each call.
        capture_content: record the messages themselves, redacted, and not only a hash of them.
    """

    def __init__(self, client: Any, session: Any = None, *, capture_content: bool = False) -> None:
        self.session = session
        self._api = AnthropicApi(session, capture_content=capture_content)
        self._is_real = is_client(client)
        self.client = recorded_client(client, self._api) if self._is_real else client

    @property
    def messages(self) -> Any:
        """The client's `messages`, with recorded calls."""
        return self.client.messages if self._is_real else _Messages(self.client.messages, self)

    def create(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `messages.create`."""
        return self.messages.create(*args, **kwargs)

    async def acreate(self, *args: Any, **kwargs: Any) -> Any:
        """`messages.create`, awaited where there is something to await."""
        found = self.create(*args, **kwargs)
        return await found if inspect.isawaitable(found) else found

    def __getattr__(self, name: str) -> Any:
        if name == "client":  # not made yet: a copy or a pickle asks for it
            raise AttributeError(name)
        return getattr(self.client, name)


class _Messages:
    """`messages` of an object that only looks like a client."""

    def __init__(self, messages: Any, adapter: AnthropicAdapter) -> None:
        self._messages, self._adapter = messages, adapter

    def create(self, *args: Any, **kwargs: Any) -> Any:
        return watched_call(self._adapter._api, "/v1/messages", self._messages.create, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._messages, name)


class AnthropicPatch(EveryClient):
    """Records the calls of every Anthropic client of the process, those that exist already among them.

    Attached when it is made. Takes the options of `AnthropicAdapter`. Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, **options: Any) -> None:
        clients = require_extra("anthropic._base_client", "anthropic", "AnthropicPatch")
        super().__init__(AnthropicApi(session, **options), clients)
