"""What `trading up` refuses before it starts anything."""

import pytest

from trading_platform.platform import check_reach, chosen, parse_peers
from trading_platform.settings import PlatformSettings


@pytest.mark.parametrize(
    ("address", "token", "open_beyond"),
    [
        ("", "", False),
        ("127.0.0.1:9090", "", False),
        ("localhost:9090", "", False),
        ("[::1]:9090", "", False),
        ("0.0.0.0:9090", "", True),
        ("[::]:9090", "", True),
        ("10.0.0.5:9090", "", True),
        ("0.0.0.0:9090", "a secret of the cluster", False),
    ],
)
def test_an_interface_open_beyond_this_machine_needs_a_token(address, token, open_beyond):
    settings = PlatformSettings(grpc=address, grpc_token=token)
    if open_beyond:
        with pytest.raises(ValueError, match="TRADING_PLATFORM_GRPC_TOKEN"):
            check_reach(settings)
    else:
        check_reach(settings)


def test_services_are_chosen_by_name_and_started_callees_first():
    assert chosen(PlatformSettings(services="order-service, trading-engine")) == ("trading-engine", "order-service")
    with pytest.raises(ValueError, match="there is no service 'engine'"):
        chosen(PlatformSettings(services="engine"))


@pytest.mark.parametrize("text", ["order-service", "order-service=nowhere", "somebody=127.0.0.1:1"])
def test_a_peer_without_an_address_is_refused(text):
    with pytest.raises(ValueError, match="expected <service>=<host>:<port>"):
        parse_peers(text)
