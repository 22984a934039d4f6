"""What devices let one choose: declared as every parameter is, and set by the URL."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import InputError, ParamError
from studio.params import check
from studio.sources.clients import CLIENTS
from studio.sources.clients.acconeer import Acconeer
from studio.sources.clients.option import Option, chosen, declared, field_names, number
from studio.sources.clients.protobuf import Message, field
from studio.sources.clients.tensor import Tensor
from studio.sources.devices.tensor import delimited
from tests.sources.test_fuzz import ready

KINDS = (
    Option("rate", "Sampling rate", "100", ("50", "100"), "Hz"),
    Option("1.4", "Range", "4 g", ("2 g", "4 g"), by_index=True),
    Option("1.5", "2nd gain", 2.5, low=0.5, high=8.0),
    Option("1.6", "Range", 3, low=1, high=5),
    Option("1.7", "Low noise", False),
)


def test_each_kind_is_declared_and_set() -> None:
    form = declared(KINDS)
    check(form)
    assert [(f.name, getattr(form, f.name)) for f in fields(form)] == [
        ("sampling_rate", "100"),
        ("range", "4 g"),
        ("_2nd_gain", 2.5),
        ("range_2", 3),
        ("low_noise", False),
    ]
    told = [chosen(KINDS, n, v) for n, v in zip(field_names(KINDS), ("50", "2 g", 0.75, 5, True), strict=True)]
    assert told == [("rate", "50"), ("1.4", "0"), ("1.5", "0.75"), ("1.6", "5"), ("1.7", "1")]
    assert [o.told(text).value for o, (_, text) in zip(KINDS, told, strict=True)] == ["50", "2 g", 0.75, 5, True]


@pytest.mark.parametrize(("name", "value"), [("range", "3 g"), ("_2nd_gain", 9.0), ("range_2", 0)])
def test_values_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParamError):
        chosen(KINDS, name, value)  # type: ignore[arg-type]


def test_what_the_url_may_not_say() -> None:
    for option, text in zip(KINDS, ("60", "2", "x", "inf", ""), strict=True):
        with pytest.raises(InputError, match="is no value of"):
            option.told(text)
    with pytest.raises(InputError, match="has none such"):
        chosen(KINDS, "colour", "red")
    assert declared(()) is None


@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_declares_what_its_device_offers(name: str) -> None:
    client = ready(name)[0]
    offers = name in ("tensor-streaming", "imagimob", "edge-impulse-at", "acconeer")
    assert (client.options is not None) == offers
    if offers:
        check(client.options)
        first = fields(client.options)[0]
        url, text = client.setting(first.name, getattr(client.options, first.name))
        again = CLIENTS[name]({url: text})  # taken by a client that is told so
        assert again.given == {url: text}


def test_acconeers_settings_are_numbers_with_bounds() -> None:
    client = ready("acconeer")[0]
    assert isinstance(client, Acconeer) and client.options.frames_per_second == 20.0
    assert client.setting("pulse_profile_1_to_5", 5) == ("profile", "5")
    with pytest.raises(ParamError):
        client.setting("pulse_profile_1_to_5", 6)


def test_every_kind_of_tensor_option() -> None:
    def told(number: int, kind: int, body: bytes) -> bytes:
        return field(5, field(1, number) + field(2, b"Option") + field(kind, body))

    whole = told(1, 4, field(1, 7) + field(3, 1) + field(4, 9))
    real = told(2, 5, field(1, 0.5) + field(3, 0.25) + field(4, 2.0))
    switch = told(3, 6, field(1, 0) + field(2, 1))
    blob = told(4, 8, b"")
    twice = told(5, 7, field(2, 1) + field(3, b"a") + field(3, b"a"))
    stream = field(1, b"a") + field(2, 2) + field(3, 4) + field(4, field(2, 1)) + field(5, 10.0)
    device = field(1, 1) + field(4, 1) + whole + real + switch + blob + twice + field(6, stream)
    client = Tensor({"1.1": "9", "1.2": "1.5", "1.3": "0", "1.5": "0"})
    for _ in range(2):  # described again, nothing is doubled
        client.feed(delimited(1, field(1, field(6, device))), 0)
    assert [o.value for o in client.choices] == [9, 1.5, False, "a"]
    asked = client.take()
    (config, again) = (Message(part).messages(2)[0] for part in (asked[1 : 1 + asked[0]], asked[2 + asked[0] :]))
    sent = [(v.number(1), v._all.get(2), v._all.get(3) and v.decimal(3), v._all.get(4)) for v in config.messages(2)]
    assert sent == [(1, [9], None, None), (2, None, 1.5, None), (3, None, None, [0]), (5, None, None, None)]
    assert config.messages(2)[3].number(5, -1) == 0 and again.number(1) == 1
    with pytest.raises(InputError):
        Tensor({"1.5": "7"}).feed(delimited(1, field(1, field(6, device))), 0)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_any_titles_make_a_form(titles: list[str]) -> None:
    options = tuple(Option(f"1.{i}", title, 1, low=0, high=3) for i, title in enumerate([*titles, "class", "Class"]))
    names = field_names(options)
    assert len(set(names)) == len(names) and declared(options) is not None
    assert [chosen(options, name, 2) for name in names] == [(o.name, "2") for o in options]


@given(st.floats() | st.integers(), st.floats(), st.floats())
def test_any_numbers_make_an_option(value: float, low: float, high: float) -> None:
    option = number("1.1", "Gain", value, low, high)
    check(declared((option,)))
    assert type(option.value) is type(value) and -(2**31) < option.value < 2**31
    assert option.low is not None and option.high is not None and option.low <= option.value <= option.high
