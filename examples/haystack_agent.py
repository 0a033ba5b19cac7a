"""An agent of Haystack that calls a tool, recorded by HaystackAdapter.

pip install 'promptetheus[haystack]'
OPENAI_API_KEY=… python examples/haystack_agent.py "What is 19 plus 23? Use the tool."
"""

import sys

from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import tool

import promptetheus as pt
from promptetheus.adapters import HaystackAdapter


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def main(goal: str) -> None:
    agent = Agent(chat_generator=OpenAIChatGenerator(model="gpt-4o-mini"), tools=[add])
    with HaystackAdapter(), pt.start(agent="haystack-example", user_goal=goal) as session:
        session.user_message(goal)
        print(agent.run([ChatMessage.from_user(goal)])["messages"][-1].text)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool.")
