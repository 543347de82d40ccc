"""Validates data packages with frictionless, an implementation of Data Package and Table Schema that is not ours."""

from __future__ import annotations

from pathlib import Path

from frictionless import validate


def package_errors(folder: Path) -> list[str]:
    """Returns a sentence for each error of the data package in a folder: in its description, its files and their cells.

    A table that the description leaves out is an error, too.
    """
    report = validate("datapackage.json", basepath=str(folder))
    errors = [error.message for error in report.errors]
    errors += [f"{task.place}: {error.message}" for task in report.tasks for error in task.errors]
    described = {task.place for task in report.tasks}
    return errors + [f"{it.name} is not described" for it in sorted(folder.glob("*.csv")) if it.name not in described]
