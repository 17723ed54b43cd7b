"""An address belongs to one user, however it is written."""

import pytest

from kernel.testing import Given
from user_service import address
from user_service.address import ClaimEmail, EmailClaimed, EmailReleased, ReleaseEmail, email_id, is_address

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("sentence", "past", "command", "follows"),
    [
        ("a free address is claimed", [], ClaimEmail("e", "u1"), [EmailClaimed("e", "u1")]),
        ("a taken one is refused", [EmailClaimed("e", "u1")], ClaimEmail("e", "u2"), "email_taken"),
        ("its owner releases it", [EmailClaimed("e", "u1")], ReleaseEmail("e", "u1"), [EmailReleased("e", "u1")]),
        ("nobody else does", [EmailClaimed("e", "u1")], ReleaseEmail("e", "u2"), []),
        ("a free one is free", [], ReleaseEmail("e", "u1"), []),
        (
            "then another claims it",
            [EmailClaimed("e", "u1"), EmailReleased("e", "u1")],
            ClaimEmail("e", "u2"),
            [EmailClaimed("e", "u2")],
        ),
        ("to its owner too", [EmailClaimed("e", "u1")], ClaimEmail("e", "u1"), "email_taken"),
    ],
)
def test_address(sentence, past, command, follows):
    Given(address, *past).when(command).then(follows)


@pytest.mark.parametrize("written", ["ada@example.com", " Ada@Example.COM ", "ADA@EXAMPLE.COM", "ａｄａ@example.com"])
def test_the_same_address_has_one_fingerprint(written):
    assert email_id(KEY, written) == email_id(KEY, "ada@example.com")


def test_another_address_or_another_key_has_another_fingerprint():
    assert len({email_id(KEY, "a@b.c"), email_id(KEY, "a@b.d"), email_id(b"l" * 32, "a@b.c")}) == 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ada@example.com", True),
        ("a+b@localhost", True),
        ("ada", False),
        ("@example.com", False),
        ("ada@", False),
        ("ada@@example.com", False),
        ("a da@example.com", False),
        ("ada@example.com\n", True),  # outer space is trimmed
        ("ada@exa\u0000mple.com", False),
        ("a" * 250 + "@b.c", True),
        ("a" * 251 + "@b.c", False),
    ],
)
def test_what_could_be_an_address(text, is_one):
    assert is_address(text) is is_one
