"""The Diff view: two sessions side by side."""
