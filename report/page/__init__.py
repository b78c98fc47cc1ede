"""The page: results/index.html, one self-contained file.

May import: report.files, report.names, report.store, report.commands, report.choice, report.tables, report.figures,
report.claims.
"""
