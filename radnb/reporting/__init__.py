"""Telling: figures, tables, texts and the report."""
