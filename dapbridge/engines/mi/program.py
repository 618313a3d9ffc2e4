"""The debugger's first commands, for a session and for a core file alike: its settings, and the program's symbols."""

import logging
from collections.abc import Iterable

from dapbridge.engines.mi.debugger import Debugger
from dapbridge.engines.mi.dialect import Dialect
from dapbridge.engines.mi.libraries import LibraryLoader
from dapbridge.errors import EngineError

log = logging.getLogger(__name__)


async def read_program(
    debugger: Debugger, dialect: Dialect, settings: Iterable[str], pid: int, libraries: LibraryLoader
) -> None:
    """Make the settings, those that the debugger knows, and have it read the symbols of process `pid`'s program.

    The target isn't touched. Raises EngineError.
    """
    asked = [debugger.send(each) for each in settings]
    program = [debugger.send(each) for each in dialect.load_program(f"/proc/{pid}/exe")]
    await libraries.prepare()
    for each in asked:
        try:
            await each
        except EngineError as error:
            log.debug("a setting that this %s does not know: %s", dialect.name, error)
    for each in program:
        await each
