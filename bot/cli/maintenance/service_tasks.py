"""What the console starts in the running service: the checks of `doctor`, and a backup."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.base import Finding
from bot.cli.maintenance import backup, doctor
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceMaintenance:
    """Runs commands for the service with its settings."""

    settings: Settings

    def findings(self) -> list[Finding]:
        """Returns what `doctor` finds."""
        return list(doctor.all_findings(self.settings))

    def back_up(self) -> Path:
        """Makes a backup in `backup_folder` and returns its folder. Raises CommandError."""
        return backup.back_up(self.settings, self.settings.file, self.settings.backup_folder)
