"""The assertions of unittest under the names that nose gave them, and nose's own few."""
import re
import unittest


class _Case(unittest.TestCase):
    def runTest(self):
        pass


_case = _Case()
_case.maxDiff = None

__all__ = ['eq_', 'istest', 'nottest', 'ok_', 'raises', 'with_setup']

for _name in dir(_case):
    if _name.startswith('assert') and _name != 'assert_':
        _words = re.sub(r'([A-Z]+)', r'_\1', _name).lower()
        globals()[_words] = getattr(_case, _name)
        __all__.append(_words)

# Names that unittest has given up.
for _old, _new in (
    ('assert_equals', 'assertEqual'),
    ('assert_not_equals', 'assertNotEqual'),
    ('assert_items_equal', 'assertCountEqual'),
    ('assert_regexp_matches', 'assertRegex'),
    ('assert_raises_regexp', 'assertRaisesRegex'),
    ('assert_almost_equals', 'assertAlmostEqual'),
):
    globals()[_old] = getattr(_case, _new, None) or globals()[_old]
    __all__.append(_old)


def ok_(value, message=None):
    if not value:
        raise AssertionError(message)


def eq_(first, second, message=None):
    if first != second:
        raise AssertionError(message or '%r != %r' % (first, second))


def raises(*exceptions):
    def decorate(func):
        def run(*args, **kwargs):
            try:
                func(*args, **kwargs)
            except exceptions:
                return
            raise AssertionError('%s did not raise %s' % (func.__name__, ' or '.join(e.__name__ for e in exceptions)))

        run.__name__ = func.__name__
        return run

    return decorate


def istest(func):
    func.__test__ = True
    return func


def nottest(func):
    func.__test__ = False
    return func


def with_setup(setup=None, teardown=None):
    def decorate(func):
        def run(*args, **kwargs):
            if setup is not None:
                setup()
            try:
                return func(*args, **kwargs)
            finally:
                if teardown is not None:
                    teardown()

        run.__name__ = func.__name__
        return run

    return decorate
