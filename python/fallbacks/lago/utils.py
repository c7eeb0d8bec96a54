"""Doing several things at once."""
import functools
import threading


def func_vector(target, args_sequence):
    """For each tuple of arguments a function without any."""
    return [functools.partial(target, *args) for args in args_sequence]


class VectorThread(object):
    """A thread for each function."""

    def __init__(self, targets):
        self._targets = list(targets)
        self._results = [None] * len(self._targets)
        self._threads = []

    def start_all(self):
        for number in range(len(self._targets)):
            thread = threading.Thread(target=self._run, args=(number,))
            thread.daemon = True
            thread.start()
            self._threads.append(thread)

    def join_all(self, raise_exceptions=True):
        """What they gave, in their order; or the first exception, once all have ended."""
        for thread in self._threads:
            thread.join()
        errors = [result['error'] for result in self._results if 'error' in result]
        if errors and raise_exceptions:
            raise errors[0]
        return [result.get('value') for result in self._results]

    def _run(self, number):
        try:
            self._results[number] = {'value': self._targets[number]()}
        except BaseException as error:
            self._results[number] = {'error': error}


def invoke_in_parallel(func, *args_sequences):
    """Calls `func` at once with the first of each sequence, the second, and so on; gives what the calls gave."""
    threads = VectorThread(func_vector(func, zip(*args_sequences)))
    threads.start_all()
    return threads.join_all()
