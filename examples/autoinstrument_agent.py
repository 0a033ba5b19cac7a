"""An agent on OpenAI's client that says nothing of recording but one line.

pip install 'promptetheus[openai]'
OPENAI_API_KEY=… python examples/autoinstrument_agent.py "Name a color."
"""

import sys

import promptetheus as pt

instrumentation = pt.autoinstrument()

import openai  # noqa: E402 - recorded from its import on, wherever that is


def main(goal: str) -> None:
    print(instrumentation, file=sys.stderr)
    with pt.start(agent="autoinstrument-example", user_goal=goal) as session:
        session.user_message(goal)
        answer = openai.OpenAI().chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": goal}]
        )
        print(answer.choices[0].message.content)


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Name a color.")
