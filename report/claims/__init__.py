"""The papers' claims: declared as data, judged by rule from stored results.

May import: report.files, report.statistics, report.names, report.store, report.published, report.commands,
report.tables.
"""
