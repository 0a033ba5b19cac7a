"""A PydanticAI agent whose tool asks a second agent, recorded by PydanticAIAdapter.

pip install 'promptetheus[pydantic-ai]' 'pydantic-ai-slim[openai]'
OPENAI_API_KEY=… python examples/pydantic_ai_agent.py "Ask the poet for a line about rain."
"""

import sys

from pydantic_ai import Agent

import promptetheus as pt
from promptetheus.adapters import PydanticAIAdapter

poet = PydanticAIAdapter(Agent("openai-chat:gpt-4o-mini", name="poet"))
host = Agent("openai-chat:gpt-4o-mini", name="host")


@host.tool_plain
async def ask_poet(subject: str) -> str:
    """A line of poetry."""
    return str((await poet.run(f"One line about {subject}.")).output)


def main(goal: str) -> None:
    with pt.start(agent="pydantic-ai-example", user_goal=goal) as session:
        session.user_message(goal)
        print(PydanticAIAdapter(host).run_sync(goal).output)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Ask the poet for a line about rain.")
