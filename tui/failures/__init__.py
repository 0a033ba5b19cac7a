"""The Failures view and, behind it, Suspects."""
