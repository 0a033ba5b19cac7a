"""A crew of one agent with a tool, recorded by CrewAIAdapter.

pip install 'promptetheus[crewai]'
OPENAI_API_KEY=… python examples/crewai_agent.py "What is 19 plus 23? Use the tool."
"""

import os
import sys

os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

import promptetheus as pt
from promptetheus.adapters import CrewAIAdapter


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def main(goal: str) -> None:
    helper = Agent(
        role="helper", goal="Answer.", backstory="Careful.", llm=LLM("openai/gpt-4o-mini"), tools=[add]
    )
    task = Task(name="answer", description=goal, expected_output="The answer.", agent=helper)
    crew = Crew(name="crewai-example", agents=[helper], tasks=[task], memory=False)
    with pt.start(agent="crewai-example", user_goal=goal) as session, CrewAIAdapter():
        session.user_message(goal)
        print(crew.kickoff())


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool.")
