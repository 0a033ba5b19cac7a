"""An LLM of LlamaIndex that asks the stub: its own package for OpenAI wants an older client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from tests.adapters.frameworks import framework

types = framework("llama_index.core.base.llms.types")
callbacks = framework("llama_index.core.llms.callbacks")
function_calling = framework("llama_index.core.llms.function_calling")
llms = framework("llama_index.core.llms.llm")
openai = framework("openai")

Base: Any = function_calling.FunctionCallingLLM

Json = dict[str, Any]


class StubLLM(Base):
    """Chat completions at `url`."""

    url: str
    model: str = "gpt-4o"

    @classmethod
    def class_name(cls) -> str:
        return "StubLLM"

    @property
    def metadata(self) -> Any:
        return types.LLMMetadata(model_name=self.model, is_chat_model=True, is_function_calling_model=True)

    @callbacks.llm_chat_callback()
    def chat(self, messages: Any, **kwargs: Any) -> Any:
        return _whole(self._client().chat.completions.create(**self._request(messages, kwargs)))

    @callbacks.llm_chat_callback()
    async def achat(self, messages: Any, **kwargs: Any) -> Any:
        async with self._async_client() as client:
            return _whole(await client.chat.completions.create(**self._request(messages, kwargs)))

    @callbacks.llm_chat_callback()
    def stream_chat(self, messages: Any, **kwargs: Any) -> Any:
        def pieces() -> Iterator[Any]:
            seen: Json = {"text": "", "calls": {}}
            request = self._request(messages, kwargs)
            for chunk in self._client().chat.completions.create(**request, **_STREAM):
                yield _piece(chunk, seen)

        return pieces()

    @callbacks.llm_chat_callback()
    async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
        async def pieces() -> AsyncIterator[Any]:
            seen: Json = {"text": "", "calls": {}}
            request = self._request(messages, kwargs)
            async with self._async_client() as client:
                async for chunk in await client.chat.completions.create(**request, **_STREAM):
                    yield _piece(chunk, seen)

        return pieces()

    @callbacks.llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        found = self.chat([types.ChatMessage(content=prompt)])
        return types.CompletionResponse(text=found.message.content, raw=found.raw)

    @callbacks.llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        found = await self.achat([types.ChatMessage(content=prompt)])
        return types.CompletionResponse(text=found.message.content, raw=found.raw)

    @callbacks.llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    @callbacks.llm_completion_callback()
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self, tools: Any, user_msg: Any = None, chat_history: Any = None, **kwargs: Any
    ) -> Json:
        messages = [*(chat_history or []), *([user_msg] if user_msg else [])]
        return {"messages": messages, "tools": [tool.metadata.to_openai_tool() for tool in tools]}

    def get_tool_calls_from_response(self, response: Any, **kwargs: Any) -> list[Any]:
        blocks = [block for block in response.message.blocks if block.block_type == "tool_call"]
        return [
            llms.ToolSelection(
                tool_id=block.tool_call_id, tool_name=block.tool_name, tool_kwargs=block.tool_kwargs
            )
            for block in blocks
        ]

    def _client(self) -> Any:
        return openai.OpenAI(base_url=self.url, api_key="stub", max_retries=0)

    def _async_client(self) -> Any:
        return openai.AsyncOpenAI(base_url=self.url, api_key="stub", max_retries=0)

    def _request(self, messages: Any, kwargs: Json) -> Json:
        tools = {"tools": kwargs["tools"]} if kwargs.get("tools") else {}
        return {"model": self.model, "messages": [_sent(message) for message in messages], **tools}


_STREAM = {"stream": True, "stream_options": {"include_usage": True}}


def _sent(message: Any) -> Json:
    found: Json = {"role": message.role.value, "content": message.content or ""}
    calls = [block for block in message.blocks if block.block_type == "tool_call"]
    if calls:
        found["tool_calls"] = [
            {
                "id": call.tool_call_id,
                "type": "function",
                "function": {"name": call.tool_name, "arguments": json.dumps(call.tool_kwargs)},
            }
            for call in calls
        ]
    if message.role.value == "tool":
        found["tool_call_id"] = message.additional_kwargs.get("tool_call_id", "")
    return found


def _message(text: str, calls: list[tuple[str, str, str]]) -> Any:
    blocks: list[Any] = [types.TextBlock(text=text)] if text else []
    for call_id, name, arguments in calls:
        try:
            parsed = json.loads(arguments)
        except ValueError:
            parsed = arguments
        blocks.append(types.ToolCallBlock(tool_call_id=call_id, tool_name=name, tool_kwargs=parsed))
    return types.ChatMessage(role="assistant", blocks=blocks)


def _whole(answer: Any) -> Any:
    message = answer.choices[0].message
    calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    return types.ChatResponse(message=_message(message.content or "", calls), raw=answer)


def _piece(chunk: Any, seen: Json) -> Any:
    delta = chunk.choices[0].delta if chunk.choices else None
    text = (delta.content or "") if delta else ""
    seen["text"] += text
    for call in (delta.tool_calls or ()) if delta else ():
        known = seen["calls"].setdefault(call.index, ["", "", ""])
        known[0], known[1] = known[0] or call.id, known[1] or call.function.name
        known[2] += call.function.arguments or ""
    calls = [tuple(call) for call in seen["calls"].values()]
    return types.ChatResponse(message=_message(seen["text"], calls), delta=text, raw=chunk)
