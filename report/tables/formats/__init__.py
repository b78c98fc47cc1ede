"""A table as CSV, LaTeX or Markdown.

May import: report.names, report.store, report.tables.layout, report.tables.cells.
"""
