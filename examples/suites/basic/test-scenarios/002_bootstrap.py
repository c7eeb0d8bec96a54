"""Looks whether hosts and storages are what an engine would make a data centre of.

The tests come out of a generator, as the suites of 2015 have them: when one fails, those behind it are skipped.
"""
from nose.tools import assert_in

from ovirtlago import testlib


@testlib.with_ovirt_prefix
def hosts_run_vdsm(prefix):
    for host in prefix.virt_env.host_vms():
        for service in ['supervdsmd', 'vdsmd']:
            testlib.assert_true_within_short(lambda: host.ssh(['service', service, 'status']).code == 0)


@testlib.with_ovirt_prefix
def engine_reaches_hosts(prefix):
    engine = prefix.virt_env.engine_vm()
    for host in prefix.virt_env.host_vms():
        greeting = 'vdsm of ' + host.name()
        testlib.assert_true_within_short(lambda: greeting in engine.ssh(['nc', host.name(), '54321']).out)


@testlib.with_ovirt_prefix
def hosts_reach_storages(prefix):
    exports = [('storage-nfs:2049', '/exports/nfs_clean'), ('storage-iscsi:3260', 'iqn.2014-07.org.ovirt:storage')]
    for host in prefix.virt_env.host_vms():
        for address, export in exports:
            assert_in(export, host.ssh(['wget', '-q', '-O', '-', 'http://%s/' % address]).out)


_TEST_LIST = [
    hosts_run_vdsm,
    engine_reaches_hosts,
    hosts_reach_storages,
]


def test_gen():
    for test in testlib.test_sequence_gen(_TEST_LIST):
        test_gen.__name__ = test.description
        yield test
