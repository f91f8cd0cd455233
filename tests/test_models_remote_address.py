import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from models.remote.address import Address, is_address, parse

_TEXTS = st.one_of(
    st.text(),
    st.builds(
        "{}://{}{}{}{}".format,
        st.sampled_from(["http", "https", "HTTPS"]),
        st.sampled_from(["", "user:secret@", "secret@", ":@"]),
        st.one_of(st.sampled_from(["[::1]", "127.0.0.1", "a.b", ""]), st.text(max_size=5)),
        st.sampled_from(["", ":80", ":99999", ":x"]),
        st.text("/v1.%2eé?#@\\: ", max_size=8),
    ),
)


def _parsed(text: str, token_set: bool = False, plain_http: bool = True, offline: bool = False) -> Address:
    return parse(text, token_set=token_set, plain_http=plain_http, offline=offline)


@pytest.mark.parametrize(
    ("text", "url", "compatible"),
    [
        ("https://Expert.Example:443/", "https://expert.example", False),
        (" http://127.0.0.1:8700 ", "http://127.0.0.1:8700", False),
        ("http://[::1]:80/v1/", "http://[::1]/v1", True),
        ("HTTPS://h/openai/v1//", "https://h/openai/v1", True),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions", False),
        ("https://h/a/../v1", "https://h/v1", True),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai", True),
        ("https://h/api/paas/v4/", "https://h/api/paas/v4", True),
        ("https://h/v1/openai/x", "https://h/v1/openai/x", False),
        ("https://h/xv1", "https://h/xv1", False),
        ("http://müller.de", "http://xn--mller-kva.de", False),
        ("https://h:8700/@home", "https://h:8700/@home", False),
    ],
)
def test_an_address_is_normalised(text: str, url: str, compatible: bool) -> None:
    assert is_address(text)
    found = _parsed(text)
    assert (found.url, found.display, found.compatible) == (url, url, compatible)


@pytest.mark.parametrize("text", ["builtin-expert", "./folder", "ftp://h", "http:/h", "llava-1.5-7b", ""])
def test_names_and_folders_are_no_addresses(text: str) -> None:
    assert not is_address(text)
    with pytest.raises(ConfigError, match="begins with https:// or http://"):
        _parsed(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://user:secret@h", r"Put the token into ROOMWISE_EXPERT__TOKEN\."),
        ("https://secret@h/v1", r"Put the token into ROOMWISE_EXPERT__TOKEN\."),
        ("https://h\\@secret", r"Put the token into ROOMWISE_EXPERT__TOKEN\."),
        ("https://h/v1?key=secret", "Leave that away"),
        ("https://h/?", "Leave that away"),
        ("https://h/#secret", "Leave that away"),
        ("https:///secret", "names no host"),
        ("https://", "names no host"),
        ("https://a b", "names no host"),
        ("https://h%40secret", "names no host"),
        ("https://h:99999", "cannot be\\."),
        ("https://h:0", "cannot be\\."),
        ("https://user:secret@h:x", "cannot be read"),
        ("https://xn--", "cannot be read"),
        ("https://h/\x1b[31m", "cannot be read"),
    ],
)
def test_a_wrong_address_is_refused_unseen(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        _parsed(text)
    assert "secret" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8:1", "[::1]:8700", "LOCALHOST"])
def test_this_machine_may_be_asked_unencrypted(host: str) -> None:
    assert _parsed(f"http://{host}/v1", token_set=True, plain_http=False).compatible


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.2",
        "expert",
        "localhost.evil.org",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
    ],
)
@pytest.mark.parametrize("token_set", [False, True])
def test_no_other_is_unless_wished(host: str, token_set: bool) -> None:
    with pytest.raises(ConfigError, match=r"expert\.plain_http") as caught:
        _parsed(f"http://{host}", token_set=token_set, plain_http=False)
    assert ("token" in str(caught.value)) == token_set
    assert _parsed(f"http://{host}", token_set=token_set).url == f"http://{host}"
    assert _parsed(f"https://{host}", token_set=token_set, plain_http=False).url == f"https://{host}"


def test_nobody_is_asked_offline() -> None:
    with pytest.raises(ConfigError, match=r"Set network\.offline to false"):
        _parsed("http://127.0.0.1", offline=True)


@given(_TEXTS)
def test_whatever_is_accepted_is_safe_to_show_and_stays_as_it_is(text: str) -> None:
    try:
        found = _parsed(text)
    except ConfigError:
        return
    url = httpx.URL(found.url)
    assert url.host and not url.userinfo and not url.query and not url.fragment
    assert found.url.isascii() and found.url.isprintable() and not found.url.endswith("/")
    assert found.display == found.url
    assert _parsed(found.url) == found


def test_nothing_secret_is_shown_even_of_an_address_that_was_never_checked() -> None:
    assert Address("https://user:secret@h/v1?key=secret#secret").display == "https://h/v1"
