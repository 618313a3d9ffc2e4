"""Images for sidecars with another LLDB, or with less of it, than dapbridge's own has; built once."""

import asyncio
import hashlib
import io
from contextlib import closing

from docker.errors import ImageNotFound
from support.engine import connect
from support.images import base

from dapbridge.config import SidecarConfig
from dapbridge.runtimes.docker_client import DockerClient
from dapbridge.runtimes.sidecar_image import ensure_image

_INSTALL = "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends"
_PACKAGES = "/usr/lib/python3/dist-packages"

DOCKERFILES = {
    # As a user installs it: in newer packages than 19 the Python module is whole.
    "lldb-21": f"""
FROM debian:trixie-slim
RUN sed -n 's/ trixie main/ trixie-backports main/p' /etc/apt/sources.list >/etc/apt/sources.list.d/backports.list; \\
    {_INSTALL} python3 lldb-21 python3-lldb-21 >/dev/null
""",
    # The module, of which Debian's link to the library is mended, without its lldb-server.
    "lldb-14": f"""
FROM debian:bookworm-slim
RUN {_INSTALL} python3 python3-lldb-14 >/dev/null
RUN set -eu; module=/usr/lib/llvm-14/lib/python3.11/dist-packages/lldb; rm $module/_lldb.*.so; \\
    ln -s /usr/lib/*/liblldb-14.so.1 $module/_lldb.so; ln -sfn $module {_PACKAGES}/lldb
""",
    "no-module": f"FROM sidecar\nRUN rm {_PACKAGES}/lldb\n",
    # As Debian's package leaves it.
    "half-a-module": f"FROM sidecar\nRUN rm {_PACKAGES}/lldb && mkdir {_PACKAGES}/lldb && "
    f"ln -s /usr/lib/x86_64-linux-gnu/liblldb-19.so.1 {_PACKAGES}/lldb/_lldb.so\n",
    "no-lldb-server": "FROM sidecar\nRUN rm /usr/bin/lldb-server* /usr/lib/llvm-19/bin/lldb-server*\n",
}


def sidecar(name: str) -> str:
    """Return the tag of one of these images, built first if it is missing."""
    with closing(connect()) as client:
        text = DOCKERFILES[name].strip()
        if text.startswith("FROM sidecar\n"):
            text = text.replace("FROM sidecar", f"FROM {asyncio.run(own_image())}", 1)
        else:
            base(client, text.removeprefix("FROM debian:").partition("-slim")[0])
        tag = f"dapbridge-test-sidecar-{name}:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        try:
            client.images.get(tag)
        except ImageNotFound:
            client.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, rm=True, forcerm=True, network_mode="host")
        return tag


async def own_image() -> str:
    """Return the tag of dapbridge's own image, built first if it is missing."""
    client = await DockerClient.connect()
    try:
        return await ensure_image(client, SidecarConfig(), lambda *_: None)
    finally:
        client.close()
