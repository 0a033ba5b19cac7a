"""The Sessions view: every session of a spool, and a preview of the highlighted one."""
