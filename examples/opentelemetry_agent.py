"""OpenTelemetry both ways: the spans that Anthropic's client makes by itself become events of the session, and the
session is exported as spans to the console.

    pip install 'promptetheus[otel,anthropic]'
    ANTHROPIC_API_KEY=… python examples/opentelemetry_agent.py "Name a color."
"""

import sys

import anthropic
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

import promptetheus as pt
from promptetheus.adapters import OpenTelemetryBridge


def main(goal: str) -> None:
    outbound = TracerProvider()
    outbound.add_span_processor(
        SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: f"{span.name}\n"))
    )
    inbound = TracerProvider()
    inbound.add_span_processor(OpenTelemetryBridge().processor())

    session = pt.start(agent="otel-example", user_goal=goal)
    with OpenTelemetryBridge(session, outbound.get_tracer("promptetheus")), session:
        session.user_message(goal)
        client = anthropic.Anthropic(open_telemetry={"tracer_provider": inbound})
        messages = [{"role": "user", "content": goal}]
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=1024, messages=messages)
        session.agent_message(answer.content[0].text)
    inbound.shutdown()
    outbound.shutdown()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "Name a color.")
