"""Generators that yield tests, as nose ran them and pytest no more does: one after the other, while they are iterated."""
import functools
import inspect
import sys
import types

import pytest
from _pytest.runner import runtestprotocol


def is_generator(obj):
    """Whether a function, decorated or not, yields tests: without fixtures, that is."""
    if not inspect.isfunction(obj) or hasattr(obj, '_pytestfixturefunction'):
        return False
    return inspect.isgeneratorfunction(inspect.unwrap(obj))


def item_of(collector, name, func):
    """None for a generator that asks for fixtures."""
    cls = collector.getparent(pytest.Class)
    signature = inspect.signature(func, follow_wrapped=False)
    needed = [one for one in signature.parameters.values() if one.default is one.empty and one.kind not in _REST]
    if len(needed) > (0 if cls is None else 1):
        return None
    return Generator.from_parent(collector, name=name, func=func, owner_class=None if cls is None else cls.obj)


_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Generator(pytest.Item):
    """Is a test itself only where it fails, or is skipped, between those that it yields."""

    def __init__(self, name, parent, func=None, owner_class=None, **facts):
        super(Generator, self).__init__(name, parent, **facts)
        self._func = func
        self._owner_class = owner_class
        self._end = None
        self._traceback = None

    def run(self, nextitem):
        try:
            owner = None if self._owner_class is None else self._owner_class()
            for number, test in enumerate(self._func() if owner is None else self._func(owner), 1):
                _run(self._test(number, test, owner), self)
                if self.session.shouldfail or self.session.shouldstop:
                    return
        except (Exception, pytest.skip.Exception, pytest.fail.Exception) as error:
            self._end = error
            self._traceback = sys.exc_info()[2].tb_next
        # Also ends what the next test has not in common with those.
        reports = runtestprotocol(self, log=False, nextitem=nextitem)
        if not all(report.passed for report in reports):
            self.ihook.pytest_runtest_logstart(nodeid=self.nodeid, location=self.location)
            for report in reports:
                self.ihook.pytest_runtest_logreport(report=report)
            self.ihook.pytest_runtest_logfinish(nodeid=self.nodeid, location=self.location)

    def runtest(self):
        if self._end is not None:
            raise self._end

    def repr_failure(self, excinfo, style=None):
        if excinfo.value is not self._end or self._traceback is None:
            return super(Generator, self).repr_failure(excinfo)
        # Without the way that it has come since.
        own = type(excinfo).from_exc_info((type(self._end), self._end, self._traceback))
        return own.getrepr(style='short')

    def reportinfo(self):
        return inspect.getfile(inspect.unwrap(self._func)), None, self.name

    def _test(self, number, test, owner):
        call, args = parse(test)
        if not callable(call):
            call = getattr(self.getparent(pytest.Module).obj if owner is None else owner, call)
        label = getattr(call, 'description', None) or getattr(call, '__name__', None) or '%s-%d' % (self.name, number)
        # Each test of a class has an instance of its own.
        instance = None if owner is None else self._owner_class()
        if instance is not None and getattr(call, '__self__', None) is owner:
            call = types.MethodType(call.__func__, instance)

        def run(*_):
            __tracebackhide__ = True
            return call(*args)

        run.__name__ = getattr(call, '__name__', run.__name__)
        own = run if instance is None else types.MethodType(run, instance)
        return pytest.Function.from_parent(self.parent, name=str(label), callobj=own)


def parse(test):
    """What was yielded: the function, and its arguments."""
    return (test[0], tuple(test[1:])) if isinstance(test, (tuple, list)) else (test, ())


def running_returned(func):
    """Runs what the generator yields that the function returns, all in one test: a decorator may have hidden it."""
    @functools.wraps(func)
    def run(*args, **kwargs):
        __tracebackhide__ = True
        value = func(*args, **kwargs)
        if not inspect.isgenerator(value):
            return value
        for test in value:
            call, args = parse(test)
            assert callable(call), 'the generator that %s returned yields what is no test: %r' % (func.__name__, test)
            call(*args)

    return run


def _run(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    runtestprotocol(item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
