"""Loaded into pytest by "lago ovirt runtest": tells each test to Lago, and runs what was written for nose."""
import inspect
import os
import re
import signal
import sys

import pytest

from ovirtlago import _events, _generators, _nose_names

FALLBACKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'fallbacks')

# What nose takes for a test.
NOSE_TEST = re.compile(r'(?:^|[\b_./-])[Tt]est')


def pytest_configure(config):
    # Ended by Lago, it is to clear up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Behind everything: a nose that is installed comes first.
    if FALLBACKS not in sys.path:
        sys.path.append(FALLBACKS)


def pytest_collectstart(collector):
    if isinstance(collector, (pytest.Module, pytest.Class)):
        found = collector._getobj
        collector._getobj = lambda: _nose_names.name_as_pytest(found())


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector, name, obj):
    """Generators that yield tests, which pytest itself gave up."""
    if not inspect.isfunction(obj) or not NOSE_TEST.search(name):
        return None
    if getattr(obj, '__test__', True) is False:
        return []
    return _generators.item_of(collector, name, obj) if _generators.is_generator(obj) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    if not isinstance(item, _generators.Generator):
        return None
    item.run(nextitem)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    func = pyfuncitem.obj
    if not inspect.iscoroutinefunction(func):
        pyfuncitem.obj = _generators.running_returned(func)
    yield
    pyfuncitem.obj = func


def pytest_runtest_logstart(nodeid, location):
    _events.send('start', _name_of(nodeid))


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    tests = _tests
    test = tests.setdefault(report.nodeid, {'outcome': 'passed', 'seconds': 0.0, 'message': None, 'details': None})
    test['seconds'] += report.duration
    if report.skipped:
        test.update(outcome='skipped', message=_skip_reason(report))
    elif report.failed and test['outcome'] in ('passed', 'skipped'):
        outcome = 'failed' if report.when == 'call' else 'error'
        test.update(outcome=outcome, message=_crash_message(report), details=report.longreprtext)
        _events.hold(_name_of(report.nodeid))


def pytest_runtest_logfinish(nodeid, location):
    test = _tests.pop(nodeid, None)
    if test is not None:
        _end(_name_of(nodeid), test)


@pytest.hookimpl(hookwrapper=True)
def pytest_report_teststatus(report, config):
    # Steps show how far it is; letters would stand between what tests print.
    outcome = yield
    answer = outcome.get_result()
    outcome.force_result((answer[0], '') + tuple(answer[2:]))


def pytest_collectreport(report):
    """A file that cannot be imported is a test that could not begin."""
    if report.failed:
        name = _name_of(report.nodeid or 'collection')
        _events.hold(name)
        details = report.longreprtext
        message = [line for line in details.splitlines() if line.strip()][-1:]
        _end(name, {
            'outcome': 'error',
            'seconds': 0.0,
            'message': message[0].lstrip('E ') if message else None,
            'details': details,
        })
    elif report.skipped:
        _end(_name_of(report.nodeid), {
            'outcome': 'skipped',
            'seconds': 0.0,
            'message': _skip_reason(report),
            'details': None,
        })


_tests = {}


def _end(name, test):
    _events.send(
        'end', name,
        outcome=test['outcome'], durationMs=int(round(test['seconds'] * 1000)),
        message=test['message'], details=test['details'],
    )


def _name_of(nodeid):
    """dir/001_basic.py::TestX::test_y is 001_basic.TestX.test_y, as unittest and nose call it."""
    parts = nodeid.split('::')
    return '.'.join([re.sub(r'\.py$', '', os.path.basename(parts[0]))] + parts[1:])


def _skip_reason(report):
    if isinstance(report.longrepr, tuple):
        return re.sub(r'^Skipped: ', '', report.longrepr[2])
    return getattr(report, 'wasxfail', None) or str(report.longrepr or '')


def _crash_message(report):
    crash = getattr(report.longrepr, 'reprcrash', None)
    text = crash.message if crash is not None else report.longreprtext
    return text.strip().split('\n')[0] if text.strip() else None
