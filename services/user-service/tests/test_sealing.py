"""Sealed texts open for their person and field only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user_service.sealing import EMAIL, NAME, Unreadable, seal, unseal

KEY, NONCE = b"k" * 32, b"n" * 12


@given(st.text(max_size=300), st.binary(min_size=12, max_size=12))
def test_what_was_sealed_opens(text, nonce):
    sealed = seal(KEY, nonce, "u", NAME, text)
    assert unseal(KEY, "u", NAME, sealed) == text
    assert len(text) < 3 or text not in sealed


@pytest.mark.parametrize(
    ("sentence", "key", "user_id", "field"),
    [
        ("not under another key", b"x" * 32, "u", EMAIL),
        ("not for another person", KEY, "v", EMAIL),
        ("not as another field", KEY, "u", NAME),
    ],
)
def test_it_opens_nowhere_else(sentence, key, user_id, field):
    with pytest.raises(Unreadable):
        unseal(key, user_id, field, seal(KEY, NONCE, "u", EMAIL, "ada@example.com"))


def test_a_changed_text_does_not_open():
    sealed = seal(KEY, NONCE, "u", EMAIL, "ada@example.com")
    with pytest.raises(Unreadable):
        unseal(KEY, "u", EMAIL, sealed[:-2] + ("A" if sealed[-2] != "A" else "B") + sealed[-1])
