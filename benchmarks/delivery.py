"""What delivery costs the agent, and how fast the spool is shipped: `python benchmarks/delivery.py`.

The same events are recorded in turn by sessions without delivery and by sessions that are delivered to a gateway on
loopback, which is a process of its own. Printed are medians over the rounds, and their ratio.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import promptetheus as pt
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.replay import replay

EVENTS = 2_000
ARGUMENTS = {"query": "flights from Berlin to Lisbon on Tuesday", "limit": 10, "tags": ["a", "b", "c"]}
RESULT = [{"id": number, "name": "flight", "price": 129.5} for number in range(3)]

GATEWAY = """
import gzip, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        answer = b'{"accepted":%d,"rejected":[]}' % body.count(b'"idempotency_key":')
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *args): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def record(spool: Path, name: str, **where: str) -> list[float]:
    """Seconds of each recorded call and result."""
    taken = []
    with pt.start(agent="a", user_goal="g", session_id=name, spool_dir=spool, **where) as session:
        for number in range(EVENTS):
            began = time.perf_counter()
            call = session.tool_call("search", ARGUMENTS, call_id=str(number))
            session.tool_result(call["payload"]["call_id"], RESULT)
            taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, "-c", GATEWAY], stdout=subprocess.PIPE, text=True) as gateway,
    ):
        assert gateway.stdout is not None
        url = f"http://127.0.0.1:{gateway.stdout.readline().strip()}"
        spool = Path(folder)
        plain, delivered = [], []
        for number in range(rounds):
            plain.append(record(spool, f"plain{number}", transport="spool"))
            delivered.append(record(spool, f"sent{number}", endpoint=url, api_key="k"))
        ours, theirs = _medians(plain), _medians(delivered)
        print(f"a call and its result, spool only : p50 {ours[0]:6.2f} us   mean {ours[1]:6.2f} us")
        print(f"a call and its result, delivered  : p50 {theirs[0]:6.2f} us   mean {theirs[1]:6.2f} us")
        print(
            f"delivered / spool only            : p50 {theirs[0] / ours[0]:6.2f}      mean {theirs[1] / ours[1]:6.2f}"
        )
        files = [spool / f"plain{number}.jsonl" for number in range(rounds)]
        began = time.perf_counter()
        done = replay(files, Destination(url, "k", 30.0))
        took = time.perf_counter() - began
        print(
            f"spool replay                      : {done.delivered / took:,.0f} events/s ({done.delivered} events)"
        )
        gateway.terminate()


def _medians(rounds: list[list[float]]) -> tuple[float, float]:
    """Median over the rounds of the median and of the mean, in microseconds."""
    middle = statistics.median(statistics.median(taken) for taken in rounds)
    mean = statistics.median(statistics.fmean(taken) for taken in rounds)
    return middle * 1e6, mean * 1e6


if __name__ == "__main__":
    main()
