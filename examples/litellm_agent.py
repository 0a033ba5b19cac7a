"""Two models of any provider asked through LiteLLM at the same time, recorded by LiteLLMAdapter.

pip install 'promptetheus[litellm]'
OPENAI_API_KEY=… python examples/litellm_agent.py "Name a color."
"""

import asyncio
import sys

import litellm

import promptetheus as pt
from promptetheus.adapters import LiteLLMAdapter


async def ask(model: str, question: str) -> str:
    messages = [{"role": "user", "content": question}]
    with pt.current().span(f"ask {model}"):
        answer = await litellm.acompletion(model=model, messages=messages)
    return str(answer.choices[0].message.content)


async def main(goal: str) -> None:
    with LiteLLMAdapter():
        async with pt.AsyncSession(agent="litellm-example", user_goal=goal) as session:
            session.user_message(goal)
            models = ["openai/gpt-4o-mini", "openai/gpt-4o"]
            for model, said in zip(
                models, await asyncio.gather(*(ask(m, goal) for m in models)), strict=True
            ):
                print(f"{model}: {said}")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Name a color."))
