"""The network that an address belongs to, as failures are counted: whoever has one address of it has all of them."""

from ipaddress import IPv6Address, IPv6Network, ip_address

PREFIX_BITS = 64  # what one subscriber gets of IPv6 at least (RFC 6177, 2)


def network_of(client: str) -> str:
    """An IPv4 address itself, the /64 of an IPv6 address; anything else, such as a name, as it is."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), PREFIX_BITS), strict=False))
