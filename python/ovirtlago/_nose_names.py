"""Set-up and tear-down under the names of nose, which pytest has given up or never knew."""
import inspect
import unittest

_OF_MODULES = (
    ('setup_module', ('setUpModule', 'setupModule', 'setup', 'setUp')),
    ('teardown_module', ('tearDownModule', 'teardownModule', 'teardown', 'tearDown')),
)
_OF_CLASSES = (
    ('setup_class', ('setup_all', 'setupClass', 'setupAll', 'setUpClass', 'setUpAll')),
    ('teardown_class', ('teardown_all', 'teardownClass', 'teardownAll', 'tearDownClass', 'tearDownAll')),
    ('setup_method', ('setup', 'setUp')),
    ('teardown_method', ('teardown', 'tearDown')),
)


def name_as_pytest(thing):
    """Gives a module or a class, with those also under the names that pytest calls; unittest's own are left."""
    if inspect.isclass(thing) and issubclass(thing, unittest.TestCase):
        return thing
    for known, others in _OF_CLASSES if inspect.isclass(thing) else _OF_MODULES:
        if hasattr(thing, known):
            continue
        # setUpModule and its like are pytest's as well.
        found = [getattr(thing, name) for name in others if _is_plain(getattr(thing, name, None))]
        if found:
            setattr(thing, known, found[0])
    return thing


def _is_plain(value):
    return inspect.isroutine(value) and not hasattr(value, '_pytestfixturefunction')
