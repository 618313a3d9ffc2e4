import pytest
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.errors import UserError
from dapbridge.runtimes.target import Target, parse_target

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]*", fullmatch=True)
PARTS = {"docker": 1, "podman": 1, "containerd": 2, "k8s": 3, "compose": 2}


@pytest.mark.parametrize(
    ("text", "scheme", "name"),
    [
        ("api", "docker", "api"),
        ("shop_api-1", "docker", "shop_api-1"),
        ("0d9f6c1b2a3e", "docker", "0d9f6c1b2a3e"),
        ("docker://api", "docker", "api"),
        ("Docker://Api", "docker", "Api"),
        ("pid://4711", "pid", "4711"),
        ("podman://api", "podman", "api"),
        ("containerd://k8s.io/abc123", "containerd", "k8s.io/abc123"),
        ("k8s://default/api-5d4f/main", "k8s", "default/api-5d4f/main"),
        ("compose://shop/api", "compose", "shop/api"),
    ],
)
def test_every_form_is_parsed(text: str, scheme: str, name: str) -> None:
    assert parse_target(text) == Target(scheme, name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "NAME or docker://NAME"),
        ("docker://", "NAME or docker://NAME"),
        ("my api", "NAME or docker://NAME"),
        ("/api", "NAME or docker://NAME"),
        ("api\n", "NAME or docker://NAME"),
        ("pid://", "pid://N"),
        ("pid://0", "pid://N"),
        ("pid://-1", "pid://N"),
        ("pid://api", "pid://N"),
        ("pid://٣", "pid://N"),
        ("k8s://default/api", "k8s://NAMESPACE/POD/CONTAINER"),
        ("compose://shop/api/1", "compose://PROJECT/SERVICE"),
        ("lxc://api", "there is no scheme 'lxc'; write NAME, docker://NAME, pid://N"),
        ("://api", "there is no scheme ''"),
    ],
)
def test_bad_input_is_answered_with_the_text_and_the_right_forms(text: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_target(text)
    assert f"'{text}' is no target" in str(caught.value)
    assert told in str(caught.value)


@given(scheme=st.sampled_from(sorted(PARTS)), names=st.lists(NAMES, min_size=3, max_size=3))
def test_a_uri_survives_a_round_trip(scheme: str, names: list[str]) -> None:
    target = Target(scheme, "/".join(names[: PARTS[scheme]]))
    assert parse_target(target.uri) == target


@given(st.text())
def test_any_text_is_parsed_or_refused_in_words(text: str) -> None:
    try:
        target = parse_target(text)
    except UserError as error:
        told = str(error)
    else:
        told = f"{text}, understood"
        assert parse_target(target.uri) == target
    assert text in told
