"""Delivery: the spool, shipped to a gateway in the background or by `promptetheus spool replay`.

The spool is written first and is never changed here. A session's `<session>.delivery.json` says how many of its
bytes the gateway has acknowledged; everything behind that is pending, and is sent again until it is
acknowledged. The gateway knows events by their idempotency key, so what arrives twice is kept once.

destination   where to: URL and key
wire          requests and answers as pure functions
client        HTTP
record        what of a session was acknowledged
shipment      one session file: batches from the acknowledged offset, artifacts first
dead_letters  events that the gateway refused for good
pace          backoff, Retry-After and the circuit breaker
uploader      the background thread: one a process
"""
