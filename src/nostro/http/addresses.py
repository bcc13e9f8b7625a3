"""Which network addresses Nostro may connect to.

Whoever can make the server send a request (a webhook address, a link in a bank's answer, a provider's URL)
must not reach the operator's own network through it. So the decision is made on the resolved address at the
moment of the connection, never on the name: a name may resolve differently a second later.
"""

from __future__ import annotations

import ipaddress
from typing import Literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressKind = Literal["public", "loopback", "private", "never"]

#: Addresses where clouds hand out credentials; those outside the link-local range.
_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def kind_of(address: str) -> AddressKind:
    """Sort an address: ``public``, ``loopback``, ``private`` (RFC 1918, ULA, carrier NAT), or ``never``.

    ``never`` are link-local, multicast, unspecified, reserved and cloud metadata addresses. IPv4 addresses
    wrapped in IPv6 (mapped, 6to4, NAT64) count as what they wrap. Raises ``ValueError`` for anything that is
    no address.
    """
    parsed = _unwrapped(ipaddress.ip_address(address.partition("%")[0]))
    if parsed in _METADATA or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified:
        return "never"
    if parsed.is_loopback:
        return "loopback"
    if parsed.version == 4 and parsed in _CARRIER_NAT:
        return "private"
    if parsed.is_reserved:
        return "never"
    return "private" if parsed.is_private else "public" if parsed.is_global else "never"


def is_loopback_host(host: str) -> bool:
    """Whether the host of an address, as it is written, is this machine: ``localhost`` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
