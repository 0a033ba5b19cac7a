"""A chain that looks something up and answers from it, recorded by PromptetheusCallbackHandler.

pip install 'promptetheus[langchain]' langchain-openai
OPENAI_API_KEY=… python examples/langchain_agent.py "When does the museum open?"
"""

import sys

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langchain_openai import ChatOpenAI

import promptetheus as pt
from promptetheus.adapters import PromptetheusCallbackHandler


class Notes(BaseRetriever):
    """Two notes, best match first."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        notes = ["The museum opens at ten.", "The zoo opens at nine."]
        words = {word.strip("?.") for word in query.lower().split()}
        scored = [(len(words & set(note.lower().strip(".").split())), note) for note in notes]
        return [Document(note, metadata={"score": score}) for score, note in sorted(scored, reverse=True)]


def main(goal: str) -> None:
    prompt = ChatPromptTemplate.from_template("Notes: {notes}\nQuestion: {question}")
    look = {"notes": Notes(), "question": RunnablePassthrough()}
    chain = (look | prompt | ChatOpenAI(model="gpt-4o-mini", stream_usage=True)).with_config(
        run_name="answer"
    )
    with pt.start(agent="langchain-example", user_goal=goal) as session:
        session.user_message(goal)
        for chunk in chain.stream(goal, {"callbacks": [PromptetheusCallbackHandler()]}):
            print(chunk.content, end="")
        print()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "When does the museum open?")
