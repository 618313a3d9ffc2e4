"""`dapbridge image`: the image that sidecars are started from."""

from typing import TYPE_CHECKING

import click

from dapbridge.cli.running import progress, run_with_docker

if TYPE_CHECKING:
    from dapbridge.runtimes.docker import DockerRuntime


@click.group(short_help="Build the image of the sidecars.")
def image() -> None:
    """The image that sidecars, the containers with the debuggers, are started from."""


@image.command()
@click.option(
    "--base",
    metavar="IMAGE",
    help="Build from this image, a Debian 13 that the engine has or can pull. Default: debian:trixie-slim.",
)
@click.option(
    "--network",
    metavar="MODE",
    help="The network of the build, as with 'docker build --network'. Default: the engine's own, and where packages"
    " can't be fetched over that, the host's.",
)
def build(base: str | None, network: str | None) -> None:
    """Build the sidecar image in the Docker engine, and print its tag.

    The first session would do it too; this is to have it ready before, or to build it where no registry can be reached
    (--base).
    """

    async def build_it(docker: "DockerRuntime") -> str:
        with progress() as tell:
            return await docker.build_image(tell, base=base, network=network)

    click.echo(run_with_docker(build_it))
