"""Helpers for tests: the prefix as an argument, waiting with a limit, sequences of tests."""
import functools
import inspect
import os
import time
import unittest

from ovirtlago.errors import LagoError
from ovirtlago.prefix import OvirtPrefix

SHORT_TIMEOUT = 180
LONG_TIMEOUT = 10 * 60

# Seconds between the first two tries, and between later ones.
FIRST_PAUSE = 10
PAUSE = 3


def get_test_prefix():
    return OvirtPrefix()


def get_prefixed_name(entity_name):
    """lago-SUITE-NAME, so that what a suite makes bears its name; SUITE is the variable's last part."""
    suite = os.environ.get('SUITE', '').rstrip('/')
    return 'lago-%s-%s' % (os.path.basename(suite), entity_name)


def with_ovirt_prefix(func):
    """The test gets the prefix as its first argument."""
    return _without_signature(func, lambda: (get_test_prefix(),))


def with_ovirt_api(func):
    """The engine by SDK 3."""
    return _without_signature(func, lambda: (get_test_prefix().virt_env.engine_vm().get_api(),))


def with_ovirt_api4(func):
    """The engine by SDK 4."""
    return _without_signature(func, lambda: (get_test_prefix().virt_env.engine_vm().get_api_v4(),))


def with_ovirt_api4_service(func):
    """The engine's system service by SDK 4."""
    return _without_signature(func, lambda: (get_test_prefix().virt_env.engine_vm().get_api_v4_system_service(),))


def _without_signature(func, arguments):
    def call(args, kwargs):
        return func(*(arguments() + args), **kwargs)

    return _decorated(func, call)


def _decorated(func, call):
    """A function of its name, and a generator where it is one: runners of generators look for that."""
    if inspect.isgeneratorfunction(func):
        def wrapper(*args, **kwargs):
            for test in call(args, kwargs):
                yield test
    else:
        def wrapper(*args, **kwargs):
            return call(args, kwargs)

    wrapper = functools.wraps(func)(wrapper)
    # A runner that reads signatures would take the prefix for a fixture.
    if hasattr(wrapper, '__wrapped__'):
        del wrapper.__wrapped__
    return wrapper


def engine_capability(capabilities):
    """The test is skipped unless the engine's metadata has all of them under "ovirt-capabilities"."""
    return _needs(capabilities, lambda virt_env: [virt_env.engine_vm()])


def host_capability(capabilities):
    """The same of every host."""
    return _needs(capabilities, lambda virt_env: virt_env.host_vms())


def _needs(capabilities, vms_of):
    def decorate(func):
        def call(args, kwargs):
            vms = vms_of(get_test_prefix().virt_env)
            for vm in vms:
                had = vm.metadata.get('ovirt-capabilities', [])
                missing = [name for name in capabilities if name not in had]
                if missing:
                    raise unittest.SkipTest('%s cannot: %s' % (vm.name(), ', '.join(missing)))
            return func(*args, **kwargs)

        return _decorated(func, call)

    return decorate


def assert_equals_within(
    func, value, timeout, allowed_exceptions=None, initial_wait=None, error_message=None, clock=None, sleep=None,
):
    """Calls `func` until it gives `value`, for `timeout` seconds at most.

    Exceptions of `allowed_exceptions` count as a try; any other one ends the wait. AssertionError in the end, with the
    last value. `clock` and `sleep` stand in for those of `time`.
    """
    clock, sleep = clock or time.time, sleep or time.sleep
    allowed = tuple(allowed_exceptions or ())
    pause = FIRST_PAUSE if initial_wait is None else initial_wait
    begun_at = clock()
    while True:
        seen = None
        try:
            seen = func()
            if seen == value:
                return
        except allowed as error:
            seen = error
        if clock() - begun_at >= timeout:
            raise AssertionError(error_message or '%s != %s after %s seconds' % (seen, value, timeout))
        sleep(min(pause, max(0.0, begun_at + timeout - clock())))
        pause = PAUSE


def assert_equals_within_short(func, value, allowed_exceptions=None, **options):
    assert_equals_within(func, value, SHORT_TIMEOUT, allowed_exceptions, **options)


def assert_equals_within_long(func, value, allowed_exceptions=None, **options):
    assert_equals_within(func, value, LONG_TIMEOUT, allowed_exceptions, **options)


def assert_true_within(func, timeout, allowed_exceptions=None, **options):
    assert_equals_within(lambda: bool(func()), True, timeout, allowed_exceptions, **options)


def assert_true_within_short(func, allowed_exceptions=None, **options):
    assert_true_within(func, SHORT_TIMEOUT, allowed_exceptions, **options)


def assert_true_within_long(func, allowed_exceptions=None, **options):
    assert_true_within(func, LONG_TIMEOUT, allowed_exceptions, **options)


def continue_on_failure(func):
    """The tests behind it in a sequence run also when it fails."""
    func.continue_on_failure = True
    return func


class _SequenceTest(object):
    def __init__(self, func, state):
        self.func = func
        self.description = self.__name__ = func.__name__
        self.__doc__ = func.__doc__
        self._state = state

    def __call__(self):
        if self._state['failed'] is not None:
            raise unittest.SkipTest('%s, before it, has failed' % self._state['failed'])
        try:
            self.func()
        except unittest.SkipTest:
            raise
        except BaseException:
            if not getattr(self.func, 'continue_on_failure', False):
                self._state['failed'] = self.func.__name__
            raise


def test_sequence_gen(test_list):
    """Yields the functions as tests of their names; after one that fails the rest is skipped."""
    state = {'failed': None}
    for func in test_list:
        yield _SequenceTest(func, state)


test_sequence_gen.__test__ = False

__all__ = [name for name in dir() if not name.startswith('_')]
