"""Sets the engine up with the suite's answers."""
import os

from ovirtlago import testlib

# run_suite.sh says where the suite is; by hand it is found beside this file
SUITE = os.environ.get('SUITE') or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ANSWERS = '/tmp/answer-file'
HEALTH = 'http://localhost/ovirt-engine/services/health'


@testlib.with_ovirt_prefix
def test_initialize_engine(prefix):
    """initialize engine"""
    engine = prefix.virt_env.engine_vm()
    engine.copy_to(os.path.join(SUITE, 'engine-answer-file.conf'), ANSWERS)
    result = engine.ssh(['engine-setup', '--config-append=' + ANSWERS])
    assert result.code == 0, result.err


@testlib.with_ovirt_prefix
def test_engine_is_healthy(prefix):
    """engine tells that it is healthy"""
    engine = prefix.virt_env.engine_vm()

    def is_healthy():
        return 'Welcome to Health Status' in engine.ssh(['wget', '-q', '-O', '-', HEALTH]).out

    testlib.assert_true_within_short(is_healthy)
