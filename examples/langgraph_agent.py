"""An agent that calls a tool, as one node of a graph, recorded by LangGraphAdapter.

pip install 'promptetheus[langgraph]' langchain langchain-openai
OPENAI_API_KEY=… python examples/langgraph_agent.py "What is 19 plus 23? Use the tool."
"""

import asyncio
import sys

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph

import promptetheus as pt
from promptetheus.adapters import LangGraphAdapter


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def check(state: MessagesState) -> MessagesState:
    """Whatever the agent says is fine, as long as it says something."""
    pt.current().goal_check(bool(state["messages"][-1].content))
    return {"messages": []}


async def main(goal: str) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("calculator", create_agent(ChatOpenAI(model="gpt-4o-mini"), [add]))
    builder.add_node("check", check)
    builder.add_edge(START, "calculator")
    builder.add_edge("calculator", "check")
    async with pt.AsyncSession(agent="langgraph-example", user_goal=goal) as session:
        session.user_message(goal)
        question = {"messages": [("user", goal)]}
        state = await builder.compile().ainvoke(question, {"callbacks": [LangGraphAdapter()]})
        print(state["messages"][-1].content)


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "What is 19 plus 23? Use the tool."))
