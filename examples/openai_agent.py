"""An agent on OpenAI's client that calls a tool, recorded by OpenAIAdapter.

pip install 'promptetheus[openai]'
OPENAI_API_KEY=… python examples/openai_agent.py "What is 19 plus 23? Use the tool."
"""

import json
import sys
from typing import Any

import openai

import promptetheus as pt
from promptetheus.adapters import OpenAIAdapter

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}


def main(goal: str) -> None:
    client = OpenAIAdapter(openai.OpenAI())
    messages: list[Any] = [{"role": "user", "content": goal}]
    with pt.start(agent="openai-example", user_goal=goal) as session:
        session.user_message(goal)
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=messages, tools=[ADD])
        message = answer.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls or []:
            numbers = json.loads(call.function.arguments)
            messages.append(
                {"role": "tool", "tool_call_id": call.id, "content": str(numbers["a"] + numbers["b"])}
            )
        for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
            print(chunk.choices[0].delta.content or "", end="")
        print()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool.")
