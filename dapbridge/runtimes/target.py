"""Target URIs, what `target` takes in a configuration: text in, scheme and name out. Pure; knows no runtime."""

import re

from msgspec import Struct

from dapbridge.errors import UserError

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"

_FORMS: dict[str, tuple[str, re.Pattern[str]]] = {
    "docker": ("docker://NAME", re.compile(_NAME)),
    "pid": ("pid://N", re.compile(r"[1-9][0-9]{0,9}")),
    "podman": ("podman://NAME", re.compile(_NAME)),
    "containerd": ("containerd://NAMESPACE/ID", re.compile(f"{_NAME}/{_NAME}")),
    "k8s": ("k8s://NAMESPACE/POD/CONTAINER", re.compile(f"{_NAME}/{_NAME}/{_NAME}")),
    "compose": ("compose://PROJECT/SERVICE", re.compile(f"{_NAME}/{_NAME}")),
}
_DEFAULT_SCHEME = "docker"


class Target(Struct, frozen=True):
    """A parsed target URI; `name` is what follows the scheme, in that scheme's own form."""

    scheme: str
    name: str

    @property
    def uri(self) -> str:
        """The full form, the scheme included."""
        return f"{self.scheme}://{self.name}"


def parse_target(text: str) -> Target:
    """Parse NAME or SCHEME://NAME. Raises UserError with the text and the right forms."""
    prefix, separator, rest = text.partition("://")
    scheme, name = (prefix.lower(), rest) if separator else (_DEFAULT_SCHEME, text)
    if scheme not in _FORMS:
        forms = ", ".join(form for form, _ in _FORMS.values())
        raise UserError(f"'{text}' is no target: there is no scheme '{prefix}'; write NAME, {forms}")
    form, pattern = _FORMS[scheme]
    if not pattern.fullmatch(name):
        forms = f"NAME or {form}" if scheme == _DEFAULT_SCHEME else form
        raise UserError(f"'{text}' is no target: write {forms}")
    return Target(scheme, name)
