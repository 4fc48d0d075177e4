"""How every number is shown: tables, plots, HTML pages, progress bars, and files that are never half-written."""

from tokencraft.report.context import run_context
from tokencraft.report.files import (
    atomic_folder,
    atomic_path,
    read_json,
    require_empty_folder,
    write_json,
    write_text,
)
from tokencraft.report.progress import OnProgress, Progress
from tokencraft.report.table import Column, Table

__all__ = [
    "Column",
    "OnProgress",
    "Progress",
    "Table",
    "atomic_folder",
    "atomic_path",
    "read_json",
    "require_empty_folder",
    "run_context",
    "write_json",
    "write_text",
]
