"""What a runner tells Lago while it runs; the other side of src/scenario/protocol.ts."""
import json
import os

# Of what a test tells of itself, in characters.
LONGEST_TEXT = 65536

_fd = int(os.environ.get('OVIRTLAGO_EVENTS_FD', '-1'))


def send(event, name, **facts):
    """Writes one line; nothing where nobody listens."""
    message = dict(facts, event=event, name=_text(name))
    line = json.dumps(dict((key, _text(value)) for key, value in message.items() if value is not None))
    _write((line + '\n').encode('ascii'))


def hold(name):
    """Returns when Lago has looked at the guests, or is gone."""
    if _fd < 0:
        return
    send('hold', name)
    while True:
        try:
            byte = os.read(_fd, 1)
        except OSError:
            return
        if byte in (b'', b'\n'):
            return


def _text(value):
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, bytes):
        value = value.decode('utf-8', 'replace')
    return value[:LONGEST_TEXT]


def _write(data):
    if _fd < 0:
        return
    try:
        while data:
            data = data[os.write(_fd, data):]
    except OSError:
        return
