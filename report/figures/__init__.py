"""Every figure that a suite can have, drawn from digests in one style.

May import: report.statistics, report.names, report.store, report.published, report.tables.
"""
