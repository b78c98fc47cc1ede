"""The table as data: its columns, its cells, and what is said above it.

May import: report.statistics, report.names, report.store, report.published.
"""
