"""`dapbridge cleanup`: what ended sessions have left."""

from typing import TYPE_CHECKING

import click

from dapbridge.cli.running import run_with_docker

if TYPE_CHECKING:
    from dapbridge.runtimes.docker import DockerRuntime
    from dapbridge.runtimes.docker_cleanup import Cleaned, FoundSidecar

_OUTCOMES = {
    "removed": "removed, it was dead",
    "left": "left alone, a session may be using it",
    "ended": "ended by its agent, which has let go of the target",
    "killed": "KILLED, for its agent did not let go in time: look whether the target still runs",
}


@click.command(short_help="Remove what ended sessions have left.")
@click.option("--all", "end_live", is_flag=True, help="Also end those that sessions use; their targets run on.")
@click.argument("containers", metavar="[CONTAINER]...", nargs=-1)
def cleanup(end_live: bool, containers: tuple[str, ...]) -> None:
    """Remove the sidecars of sessions that have ended, and list those in use.

    A session removes its sidecar itself; one is left only when dapbridge or the Docker engine was killed at a bad
    moment. With --all also the sidecars in use are ended: each is asked to let go of its target first. Named
    CONTAINERs limit this to their sidecars.
    """

    async def clean(docker: "DockerRuntime") -> list["Cleaned"]:
        found = [each for each in await docker.sidecars() if not containers or _belongs_to(each, containers)]
        return await docker.clean_up(found, end_live=end_live)

    done = run_with_docker(clean)
    for each in done:
        click.echo(f"{each.sidecar.name} (target '{each.sidecar.target_name}'): {_OUTCOMES[each.outcome]}")
    if not done:
        click.echo("nothing to clean up")
    elif any(each.outcome == "left" for each in done):
        click.echo("to end those left: dapbridge cleanup --all")
    if any(each.outcome == "killed" for each in done):
        raise click.exceptions.Exit(1)


def _belongs_to(sidecar: "FoundSidecar", containers: tuple[str, ...]) -> bool:
    return any(name == sidecar.target_name or sidecar.target_id.startswith(name) for name in containers)
