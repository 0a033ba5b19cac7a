"""An agent on Anthropic's client that calls a tool, recorded by AnthropicAdapter.

pip install 'promptetheus[anthropic]'
ANTHROPIC_API_KEY=… python examples/anthropic_agent.py "What is 19 plus 23? Use the tool."
"""

import sys

import anthropic

import promptetheus as pt
from promptetheus.adapters import AnthropicAdapter


@anthropic.beta_tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


def main(goal: str) -> None:
    client = AnthropicAdapter(anthropic.Anthropic())
    with pt.start(agent="anthropic-example", user_goal=goal) as session:
        session.user_message(goal)
        runner = client.beta.messages.tool_runner(
            model="claude-sonnet-5",
            max_tokens=1024,
            messages=[{"role": "user", "content": goal}],
            tools=[add],
        )
        print(runner.until_done().content[0].text)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool.")
