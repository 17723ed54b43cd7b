"""A platform whose log is taken away ends, and says which file it misses."""

import asyncio
import shutil

from .commands import up


def test_a_platform_ends_by_itself_when_its_folder_is_removed(tmp_path):
    folder = tmp_path / "data"

    async def test():
        async with up(folder) as platform:
            shutil.rmtree(folder)
            code, said = await platform.ended()
            assert code == 3
            assert f"{folder / 'main.log.sqlite'} was removed or replaced while open" in said
        async with up(folder) as platform:  # nothing of the first is in the way
            assert platform.process.returncode is None

    asyncio.run(test())
