"""A new revision again and again, while people answer the one before."""

from __future__ import annotations

from bot.authoring import yaml_export
from tests.chaos.service import QUESTIONS, UnderLoad
from tests.support.app import consultation


class Publish(UnderLoad):
    name = "publish"
    does = "publishes a new revision by the command, beside the service"
    unit = "revisions"
    slice = 2

    async def disturb(self, number: int) -> None:
        told = f"Ein Satz, Fassung {number + 2}."
        revision = consultation("park", QUESTIONS, why={"de": told, "en": told})
        file = self.folder / "park.yaml"
        file.write_text(yaml_export.consultation_to_yaml(revision, number + 1), encoding="utf-8")
        said = await self.house.command("publish", str(file))
        assert f"revision {number + 2} published; " in said, said
        await self.crowd.more(2)
