"""Sets the engine up with the suite's answers."""
import os

from ovirtlago import testlib

ANSWERS = '/tmp/answer-file'


@testlib.with_ovirt_prefix
def test_initialize_engine(prefix):
    """initialize engine"""
    engine = prefix.virt_env.engine_vm()
    engine.copy_to(os.path.join(os.environ['SUITE'], 'engine-answer-file.conf'), ANSWERS)
    result = engine.ssh(['engine-setup', '--config-append=' + ANSWERS])
    assert result.code == 0, result.err


@testlib.with_ovirt_prefix
def test_engine_is_healthy(prefix):
    """engine tells that it is healthy"""
    engine = prefix.virt_env.engine_vm()
    url = 'http://localhost/ovirt-engine/services/health'
    testlib.assert_true_within_short(
        lambda: 'Welcome to Health Status' in engine.ssh(['wget', '-q', '-O', '-', url]).out
    )
