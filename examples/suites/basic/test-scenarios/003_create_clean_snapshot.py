"""Keeps the environment as it is now, so that other scenarios may begin here."""
import os

from ovirtlago import testlib


@testlib.with_ovirt_prefix
def test_create_clean_snapshot(prefix):
    """create the snapshot ovirt-clean"""
    # Storage, hosts and engine are put to rest through the engine's API, which the small guests do not have (control.sh).
    if os.environ.get('ENGINE_API'):
        prefix.create_snapshots('ovirt-clean', restore=False)
    else:
        prefix.virt_env.create_snapshots('ovirt-clean')
