"""The table as data: its columns, its cells, and what is said above it.

May import: report.files, report.stored_json, report.statistics, report.names, report.store, report.published.
"""
