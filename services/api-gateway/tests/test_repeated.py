"""A field that comes twice is found, however it is written; names that different objects share are not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_gateway.repeated import repeated

from .running import TRADER, run

# What the text is, the text, the field that it repeats.
TEXTS = [
    ("nothing twice", '{"symbol":"AAPL","price":"1"}', None),
    ("twice", '{"price":"1","price":"2"}', "price"),
    ("twice with spaces", '{ "price" : "1" ,\n "price"\t: "2" }', "price"),
    ("twice, once escaped", '{"price":"1","pr\\u0069ce":"2"}', "price"),
    ("in two objects", '{"orders":[{"price":"1"},{"price":"2"}]}', None),
    ("inside an object of a list", '{"orders":[{"price":"1"},{"price":"2","price":"3"}]}', "price"),
    ("a value that looks like a name", '{"name":"price","symbol":"price:"}', None),
    ("values of colons", '{"a":":","b":" :","c":",\\":"}', None),
    ("names and values that look like each other", '{":":"",":":""}', ":"),
    ("a value that hides a name", '{"price":"x","b":":","price":"2"}', "price"),
    ("a number of many digits", '{"a":{"b":1},"b":' + "1" * 5_000 + "}", None),
    ("no object", "[1, 2]", None),
]


@pytest.mark.parametrize(("text", "name"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_a_field_that_comes_twice_is_found(text, name):
    assert repeated(text.encode()) == name


TEXT = st.text(alphabet='ab":\\, {}', max_size=4)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5), st.sampled_from(["", " "]))
def test_whatever_the_text_holds_it_agrees_with_the_names(pairs, space):
    text = "{" + ",".join(f"{json.dumps(name)}{space}:{json.dumps(value)}" for name, value in pairs) + "}"
    names = [name for name, _ in pairs]
    assert (repeated(text.encode()) is not None) == (len(set(names)) != len(names))


JSON = TRADER | {"Content-Type": "application/json"}
PLACES = [
    (
        "POST",
        "/v1/orders",
        '{"symbol":"BTC-USD","side":"BUY","type":"LIMIT","quantity":"1","quantity":"2","price":"3"}',
        "quantity",
    ),
    ("PATCH", "/v1/users/me", '{"name":"Ada","name":"Eve"}', "name"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), PLACES)
def test_a_body_that_names_a_field_twice_is_refused(method, path, body, field):
    async def test(gateway):
        answer = await gateway.call(method, path, content=body, headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["errors"] == [{"field": field, "message": "given twice"}]

    run(test)
