"""Which addresses are public, and which never are."""

import pytest

from nostro.http.addresses import is_loopback_host, kind_of


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("93.184.215.14", "public"),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "public"),
        ("127.0.0.1", "loopback"),
        ("127.255.0.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.4.4", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12:3456::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("2002:0a00:0001::1", "private"),  # 6to4 around 10.0.0.1
        ("64:ff9b::10.0.0.1", "private"),  # NAT64 around 10.0.0.1
        ("169.254.169.254", "never"),
        ("::ffff:169.254.169.254", "never"),
        ("64:ff9b::169.254.169.254", "never"),
        ("168.63.129.16", "never"),
        ("100.100.100.200", "never"),
        ("fd00:ec2::254", "never"),
        ("fe80::1%eth0", "never"),
        ("224.0.0.1", "never"),
        ("ff02::1", "never"),
        ("0.0.0.0", "never"),
        ("::", "never"),
        ("240.0.0.1", "never"),
        ("255.255.255.255", "never"),
    ],
)
def test_kind_of_address(address: str, kind: str) -> None:
    assert kind_of(address) == kind


def test_a_name_is_no_address() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        kind_of("localhost")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("bank.example", False),
     ("10.0.0.1", False), ("localhost.example", False), ("", False)],
)  # fmt: skip
def test_a_host_that_is_this_machine_is_known_by_how_it_is_written(host: str, expected: bool) -> None:
    assert is_loopback_host(host) is expected
