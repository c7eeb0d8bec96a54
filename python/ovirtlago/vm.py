"""A machine as scenarios see it."""
import os
import time
from collections import namedtuple

from ovirtlago import program
from ovirtlago.constants import ENGINE_USER
from ovirtlago.errors import LagoError

ROLES = {'engine': 'ovirt-engine', 'host': 'ovirt-host', 'node': 'ovirt-node'}
DEFAULT_PASSWORD = '123456'
ENGINE_PASSWORD = '123'


class CommandResult(namedtuple('CommandResult', ('code', 'out', 'err'))):
    """True when the command failed, so that `if vm.ssh(...)` reads as in a shell script turned round."""

    def __bool__(self):
        return self.code != 0

    __nonzero__ = __bool__


class Vm(object):
    def __init__(self, virt_env, spec):
        self.virt_env = virt_env
        self._spec = spec

    def __repr__(self):
        return '<Vm %s>' % self.name()

    @property
    def spec(self):
        return self._spec

    @property
    def metadata(self):
        return self._spec.get('metadata', {})

    @property
    def vm_type(self):
        given = self._spec.get('vm-type')
        if given and given != 'default':
            return given
        return ROLES.get(self.metadata.get('ovirt-role'), given or 'default')

    def name(self):
        return self._spec['name']

    def nics(self):
        return self._spec.get('nics', [])

    def ip(self):
        """On the management net."""
        management = self.mgmt_name
        for nic in self.nics():
            if nic.get('net') == management:
                return nic.get('ip')
        return None

    def all_ips(self):
        return [nic['ip'] for nic in self.nics() if nic.get('ip')]

    def ips_in_net(self, net_name):
        return [nic['ip'] for nic in self.nics() if nic.get('ip') and nic.get('net') == net_name]

    def nets(self):
        return [nic['net'] for nic in self.nics() if nic.get('net')]

    @property
    def mgmt_net(self):
        return self.virt_env.get_net(self._spec.get('mgmt_net')) or self.virt_env.management_net()

    @property
    def mgmt_name(self):
        return self.mgmt_net.name()

    @property
    def disks(self):
        return list(self._spec.get('disks', []))

    def state(self):
        """`running`, `down` and so on, as `lago status` tells it."""
        return program.ask(self._prefix_path, 'status')['Prefix']['VMs'][self.name()]['status']

    def alive(self):
        return self.state() == 'running'

    running = alive

    def distro(self):
        if self._spec.get('distro'):
            return self._spec['distro']
        for disk in self._spec.get('disks', []):
            found = disk.get('metadata', {}).get('distro')
            if found:
                return found
        return None

    def root_password(self):
        if self._spec.get('root-password'):
            return self._spec['root-password']
        for disk in self._spec.get('disks', []):
            found = disk.get('metadata', {}).get('root-password')
            if found:
                return found
        return DEFAULT_PASSWORD

    def iscsi_name(self):
        return 'iqn.2014-07.org.lago:%s' % self.name()

    def ssh(self, command, data=None):
        """Runs the words of `command`, joined by spaces for the guest's shell.

        An exit code is a result, no error; a guest that cannot be reached is one.
        """
        words = [command] if isinstance(command, (str, type(u''))) else list(command)
        code, out, err = program.run_in_guest(self._prefix_path, 'shell', self.name(), '-c', *words, data=data)
        return CommandResult(code, out, err)

    def ssh_script(self, path):
        """Runs a script of this host in the guest."""
        if not os.path.isfile(path):
            raise LagoError('there is no script %s' % path)
        return CommandResult(*program.run_in_guest(self._prefix_path, 'shell', self.name(), os.path.abspath(path)))

    def wait_for_ssh(self):
        program.tell(self._prefix_path, 'wait', self.name(), 'ssh')

    def copy_to(self, local_path, remote_path):
        program.tell(self._prefix_path, 'copy-to-vm', self.name(), os.path.abspath(local_path), remote_path)

    def copy_from(self, remote_path, local_path):
        program.tell(self._prefix_path, 'copy-from-vm', self.name(), remote_path, os.path.abspath(local_path))

    def service(self, name):
        return Service(self, name)

    def start(self):
        program.tell(self._prefix_path, 'start', self.name())

    def stop(self):
        program.tell(self._prefix_path, 'stop', self.name())

    def get_api(self, api_ver=3):
        """The engine through oVirt's SDK of that version, which must be installed. Tried for a minute."""
        return self.get_api_v4() if api_ver == 4 else self.get_api_v3()

    def get_api_v3(self):
        try:
            from ovirtsdk.api import API
        except ImportError as error:
            raise LagoError('the SDK of oVirt, version 3, is needed: install ovirt-engine-sdk-python (%s)' % error)
        return _tried(lambda: API(url=self._api_url(), **self._login()))

    def get_api_v4(self, check=True):
        try:
            import ovirtsdk4
        except ImportError as error:
            raise LagoError('the SDK of oVirt, version 4, is needed: install python3-ovirt-engine-sdk4 (%s)' % error)

        def connect():
            connection = ovirtsdk4.Connection(url=self._api_url(), **self._login())
            if check:
                connection.test(raise_exception=True)
            return connection

        return _tried(connect)

    def get_api_v4_system_service(self):
        return self.get_api_v4().system_service()

    def engine_url(self):
        return 'https://%s' % self.ip()

    def _api_url(self):
        return '%s/ovirt-engine/api' % self.engine_url()

    def _login(self):
        password = str(self.metadata.get('ovirt-engine-password', ENGINE_PASSWORD))
        return {'username': ENGINE_USER, 'password': password, 'insecure': True}

    @property
    def _prefix_path(self):
        return self.virt_env.prefix_path


class Service(object):
    """A service in a guest, by whatever manages services there."""

    def __init__(self, vm, name):
        self._vm = vm
        self._name = name

    def alive(self):
        return not self._call('is-active', 'status')

    exists = alive

    def start(self):
        return not self._call('start', 'start')

    def stop(self):
        return not self._call('stop', 'stop')

    # Names by which scenarios of some years call them.
    _request_start = start
    _request_stop = stop

    def _call(self, systemd_verb, sysv_verb):
        return self._vm.ssh(
            'if command -v systemctl >/dev/null 2>&1; then systemctl %s %s; else service %s %s; fi'
            % (systemd_verb, self._name, self._name, sysv_verb)
        )


def _tried(connect, tries=20, pause_seconds=3):
    for left in range(tries - 1, -1, -1):
        try:
            return connect()
        except Exception as error:
            if left == 0:
                raise LagoError('Failed to connect to the engine: %s' % error)
            time.sleep(pause_seconds)
