"""Calls the program that runs the scenario."""
import json
import os
import re
import subprocess

from ovirtlago.errors import LagoError


def run(prefix_path, *args, **options):
    """Gives (exit code, stdout, stderr). `data`: bytes or text for standard input."""
    data = options.pop('data', None)
    if options:
        raise TypeError('unknown options: %s' % ', '.join(sorted(options)))
    # What lago itself has to tell would stand between what a guest prints.
    command = _program() + ['--loglevel', 'error'] + [_text(arg) for arg in args]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(prefix_path),
    )
    if data is not None and not isinstance(data, bytes):
        data = data.encode('utf-8')
    out, err = child.communicate(data if data is not None else b'')
    return child.returncode, _decoded(out), _decoded(err)


def run_in_guest(prefix_path, *args, **options):
    """The same, of what runs in a guest; LagoError when the program did not come so far."""
    code, out, err = run(prefix_path, *args, **options)
    if code in OWN_EXIT_CODES and OWN_ERROR.search(err):
        raise LagoError(err.strip())
    return code, out, err


# An error of the program itself ends with its code; what a guest prints does not.
OWN_EXIT_CODES = (1, 2)
OWN_ERROR = re.compile(r' \[LAGO_[A-Z_]+\]$', re.MULTILINE)


def ask(prefix_path, *args):
    """The answer of a verb, as data."""
    return json.loads(tell(prefix_path, '--out-format', 'json', *args))


def tell(prefix_path, *args):
    """What it printed; LagoError when it fails."""
    code, out, err = run(prefix_path, *args)
    if code != 0:
        words = ' '.join(_text(arg) for arg in args)
        raise LagoError('lago %s ended with exit code %d: %s' % (words, code, err.strip() or out.strip()))
    return out


def _program():
    own = os.environ.get('OVIRTLAGO_PROGRAM')
    if not own:
        return ['lago']
    return [os.environ.get('OVIRTLAGO_NODE', 'node'), own]


def _environment(prefix_path):
    """Of the scenario, with the prefix, and without where its events go: those are the runner's."""
    kept = dict((key, value) for key, value in os.environ.items() if key != 'OVIRTLAGO_EVENTS_FD')
    return dict(kept, LAGO_PREFIX_PATH=prefix_path)


def _text(word):
    if isinstance(word, type(u'')) and not isinstance(word, str):
        return word.encode('utf-8')  # of Python 2
    return word if isinstance(word, str) else str(word)


def _decoded(data):
    """Text in either Python."""
    return data if isinstance(data, str) else data.decode('utf-8', 'replace')
