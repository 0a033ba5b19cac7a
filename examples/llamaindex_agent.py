"""A workflow of LlamaIndex that looks something up and reads it, recorded by LlamaIndexAdapter.

    pip install 'promptetheus[llamaindex]'
    python examples/llamaindex_agent.py "What rhymes with rain?"

It runs without a provider, on LlamaIndex's own mock models; give `Settings.llm` and `Settings.embed_model` real ones.
"""

import asyncio
import sys

from llama_index.core import Document, MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.llms.mock import MockLLM
from llama_index.core.workflow import StartEvent, StopEvent, Workflow, step

import promptetheus as pt
from promptetheus.adapters import LlamaIndexAdapter


class Librarian(Workflow):
    """Asks an index."""

    @step
    async def look(self, ev: StartEvent) -> StopEvent:
        documents = [Document(text="Rain, pain and Spain.", metadata={"source": "rhymes.txt"})]
        engine = VectorStoreIndex.from_documents(documents).as_query_engine()
        return StopEvent(result=str(await engine.aquery(ev.question)))


async def main(goal: str) -> None:
    Settings.llm, Settings.embed_model = MockLLM(max_tokens=8), MockEmbedding(embed_dim=8)
    with LlamaIndexAdapter():
        async with pt.AsyncSession(agent="llamaindex-example", user_goal=goal) as session:
            session.user_message(goal)
            print(await Librarian(timeout=60).run(question=goal))


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "What rhymes with rain?"))
