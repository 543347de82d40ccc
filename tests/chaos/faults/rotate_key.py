"""A new secret key under load; now and then also new keys for what is encrypted, with the service stopped meanwhile."""

from __future__ import annotations

from tests.chaos.service import UnderLoad

SEALED_EVERY = 10


class RotateKey(UnderLoad):
    name = "rotate-key"
    does = f"rotates the secret key beside the service; every {SEALED_EVERY}th time with --sealed, between two starts"
    unit = "rotations"
    slice = 2

    async def disturb(self, number: int) -> None:
        if number % SEALED_EVERY == SEALED_EVERY - 1:
            assert await self.house.stop() == 0
            await self.house.command("rotate-key", "--sealed")
            await self.house.start()
        else:
            await self.house.command("rotate-key")
        if number % 3 == 1:  # the running service continues with the same keys; a new one reads the earlier data
            await self.house.kill()
            await self.house.start()
        await self.crowd.more(2)
