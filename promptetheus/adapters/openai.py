"""OpenAI's client: chat completions, responses, embeddings; sync, async, streamed, parsed, raw."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from promptetheus.adapters import openai_reading as reading
from promptetheus.adapters.asked_tools import AskedTools
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.scope import scope_of
from promptetheus.adapters.stainless import EveryClient, is_client, recorded_client
from promptetheus.adapters.stand_in import watched_call
from promptetheus.adapters.usage import get

ADAPTER = "openai"


class OpenAIApi:
    """What is recorded of calls to OpenAI, or to a server that speaks its format."""

    def __init__(
        self,
        session: Any = None,
        *,
        emit_agent_message: bool = True,
        messages_ref: str | None = None,
        prompt_ref: str | None = None,
        capture_content: bool = False,
    ) -> None:
        self._session = session
        self._emit_agent_message = emit_agent_message
        self._references = {"messages_ref": messages_ref, "prompt_ref": prompt_ref}
        self._capture = capture_content
        self._asked = AskedTools(ADAPTER)

    def begin(self, path: str, body: Any, streamed: bool) -> ModelCall | None:
        operation, scope = reading.operation_of(path), scope_of(self._session)
        if operation is None or scope is None:
            return None
        self._asked.record(scope, lambda: reading.tool_outputs(operation, body))
        prompt = prompt_of(reading.prompt_in(operation, body), capture=self._capture, **self._references)
        model = get(body, "model")
        call = ModelCall(
            scope,
            model if isinstance(model, str) else None,
            adapter=ADAPTER,
            prompt=prompt,
            streamed=streamed,
            emit_agent_message=self._emit_agent_message,
            metadata={"operation": operation},
        )
        call.on_tools = self._asked.remember
        return call

    def read(self, call: ModelCall, answer: Any) -> None:
        reading.read_answer(call.answer.facts["operation"], call.answer, answer)

    def pieces(self, call: ModelCall) -> Callable[[Any], None]:
        if call.answer.facts["operation"] == reading.RESPONSES:
            return reading.ResponsePieces(call)
        return reading.ChatPieces(call)

    def failed(self, call: ModelCall, error: BaseException) -> None:
        """`parse` raises for an answer that was cut off, and the exception holds it."""
        completion = get(error, "completion")
        if completion is not None:
            self.read(call, completion)


class OpenAIAdapter:
    """An OpenAI client whose calls are recorded; the client that is given stays as it is.

        client = OpenAIAdapter(openai.OpenAI())
        client.chat.completions.create(model="gpt-4o", messages=[…])

    Use it as you would use the client: everything else is the client's own. Where something insists on an object of
    OpenAI's class, give it `adapter.client`, a client with the same settings that is recorded as well.

    Args:
        client: an `OpenAI`, `AsyncOpenAI` or Azure client, or an object with `chat.completions.create`.
        session: the session to record into; default the one that is current at each call.
        emit_agent_message: whether the text of an answer becomes an `agent_message`.
        messages_ref, prompt_ref: your own references to the prompt; default a hash of the messages.
        capture_content: record the messages themselves, redacted.
    """

    def __init__(
        self,
        client: Any,
        session: Any = None,
        *,
        emit_agent_message: bool = True,
        messages_ref: str | None = None,
        prompt_ref: str | None = None,
        capture_content: bool = False,
    ) -> None:
        self.session = session
        self._api = OpenAIApi(
            session,
            emit_agent_message=emit_agent_message,
            messages_ref=messages_ref,
            prompt_ref=prompt_ref,
            capture_content=capture_content,
        )
        self._is_real = is_client(client)
        self.client = recorded_client(client, self._api) if self._is_real else client

    @property
    def chat(self) -> Any:
        """The client's `chat`; None when it has none."""
        chat = getattr(self.client, "chat", None)
        return None if chat is None else _Chat(chat, self)

    def create(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `chat.completions.create`."""
        return self._create(self.client.chat.completions.create, args, kwargs)

    async def acreate(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `chat.completions.acreate`."""
        return await self._acreate(self.client.chat.completions, args, kwargs)

    def _create(self, create: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return (
            create(*args, **kwargs)
            if self._is_real
            else watched_call(self._api, "/chat/completions", create, args, kwargs)
        )

    async def _acreate(self, completions: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = self._create(getattr(completions, "acreate", None) or completions.create, args, kwargs)
        return await found if inspect.isawaitable(found) else found

    def __getattr__(self, name: str) -> Any:
        if name == "client":  # not made yet: a copy or a pickle asks for it
            raise AttributeError(name)
        return getattr(self.client, name)


class _Chat:
    """`client.chat` with recorded completions."""

    def __init__(self, chat: Any, adapter: OpenAIAdapter) -> None:
        self._chat, self._adapter = chat, adapter

    @property
    def completions(self) -> _Completions:
        return _Completions(self._chat.completions, self._adapter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chat, name)


class _Completions:
    """`client.chat.completions`, with `acreate` beside `create`."""

    def __init__(self, completions: Any, adapter: OpenAIAdapter) -> None:
        self._completions, self._adapter = completions, adapter

    def create(self, *args: Any, **kwargs: Any) -> Any:
        return self._adapter._create(self._completions.create, args, kwargs)

    async def acreate(self, *args: Any, **kwargs: Any) -> Any:
        return await self._adapter._acreate(self._completions, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._completions, name)


class OpenAIPatch(EveryClient):
    """Records the calls of every OpenAI client of the process, those that exist already among them.

    Attached when it is made. Takes the options of `OpenAIAdapter`. Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, **options: Any) -> None:
        clients = require_extra("openai._base_client", "openai", "OpenAIPatch")
        super().__init__(OpenAIApi(session, **options), clients)
