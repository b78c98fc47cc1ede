"""The page: results/index.html, one self-contained file.

May import: report.names, report.store, report.commands, report.tables, report.figures, report.claims.
"""
