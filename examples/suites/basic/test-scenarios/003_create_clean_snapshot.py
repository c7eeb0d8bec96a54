"""Keeps the environment as it is now, so that other scenarios may begin here."""
from ovirtlago import testlib


@testlib.with_ovirt_prefix
def test_create_clean_snapshot(prefix):
    """create the snapshot ovirt-clean"""
    prefix.create_snapshots('ovirt-clean', restore=False)
