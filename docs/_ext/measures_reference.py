"""The reference of the files that `seamline measure` writes: columns of tables, and fields of `measures.json`."""

from run_folder_reference import MEASURES, field_table
from seamline.buildings.files.tables import TABLES
from seamline.buildings.roles import NAMES, ROLES


def tables() -> str:
    """Return a section for each CSV file with its columns."""
    sections = []
    for name, table in TABLES.items():
        rows = [f"| `{column.name}` | {column.description} |" for column in table.columns]
        sections.append("\n".join([f"## `{name}`", "", "| column | meaning |", "| --- | --- |", *rows]))
    return "\n\n".join(sections)


def record() -> str:
    """Return the fields of `measures.json`."""
    return field_table(MEASURES)


def roles() -> str:
    """Return the roles of classes, and the names by which they are found."""
    rows = [f"| `{role}` | {', '.join(NAMES.get(role, ())) or 'all others'} |" for role in ROLES]
    return "\n".join(["| role | names of classes |", "| --- | --- |", *rows])
