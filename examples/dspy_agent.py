"""A ReAct agent of DSPy, recorded by DSPyAdapter.

    pip install 'promptetheus[dspy]'
    OPENAI_API_KEY=… python examples/dspy_agent.py "What is 19 plus 23?"

With DSPY_EXAMPLE_OFFLINE=1 a model of DSPy's own, which knows its lines, takes the place of OpenAI's.
"""

import os
import sys

import dspy
from dspy.utils.dummies import DummyLM

import promptetheus as pt
from promptetheus.adapters import DSPyAdapter

LINES = [
    {"next_thought": "Add them.", "next_tool_name": "add", "next_tool_args": {"a": 19, "b": 23}},
    {"next_thought": "Done.", "next_tool_name": "finish", "next_tool_args": {}},
    {"reasoning": "19 + 23 = 42", "answer": "42"},
]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def main(goal: str) -> None:
    model = DummyLM(LINES) if os.environ.get("DSPY_EXAMPLE_OFFLINE") else dspy.LM("openai/gpt-4o-mini")
    dspy.configure(lm=model, callbacks=[DSPyAdapter()])
    with pt.start(agent="dspy-example", user_goal=goal) as session:
        session.user_message(goal)
        print(dspy.ReAct("question -> answer", tools=[add])(question=goal).answer)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "What is 19 plus 23?")
