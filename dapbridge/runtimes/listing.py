"""What `dapbridge ps` tells: targets that run and their processes, as typed values with the names of its JSON."""

from msgspec import Struct

from dapbridge.symbols import Language

LISTING_VERSION = 1


class ListedProcess(Struct, frozen=True, rename="camel"):
    """One process of a target.

    process is what an attach configuration takes: the pid, or a regular expression where that isn't known. pid and ppid
    are numbers inside the target, None where nobody here can know them; a ppid of 0 is outside of it. user is
    "UID:GID", inside too. language and debug_info are None where the program could not be read. main: the one that is
    attached to unless another is asked for.
    """

    process: int | str
    pid: int | None
    ppid: int | None
    name: str
    command: tuple[str, ...]
    user: str
    language: Language | None
    debug_info: bool | None
    main: bool


class ListedTarget(Struct, frozen=True, rename="camel"):
    """A running target; `target` is what an attach configuration takes.

    error says why its processes can't be seen, or not all that there is to see of them.
    """

    target: str
    name: str
    id: str
    image: str
    runtime: str
    status: str
    compose_project: str | None
    compose_service: str | None
    processes: tuple[ListedProcess, ...]
    error: str | None


class Listing(Struct, frozen=True, rename="camel"):
    """All of them; `version` is raised when something in it comes to mean something else."""

    version: int
    targets: tuple[ListedTarget, ...]
