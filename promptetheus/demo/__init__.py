"""The demo: three agents that really run, recorded through the public SDK, without key or network."""
