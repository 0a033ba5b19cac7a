"""The SQL view: DuckDB over the spool, its editor, completion and result grid."""
