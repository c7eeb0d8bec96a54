"""The environment as scenarios see it."""
import json
import os

from ovirtlago import program
from ovirtlago.errors import LagoError
from ovirtlago.net import Net
from ovirtlago.vm import CommandResult, Vm

__all__ = ['CommandResult', 'Net', 'OvirtPrefix', 'Paths', 'VirtEnv', 'Vm']

HOST_TYPES = ('ovirt-host', 'ovirt-node', 'ovirt-he-host')


class OvirtPrefix(object):
    """`path` defaults to the prefix whose scenario runs, else to the current directory."""

    def __init__(self, path=None):
        self.path = os.path.abspath(
            path or os.environ.get('LAGO_PREFIX_PATH') or os.environ.get('LAGO_PREFIX') or os.getcwd()
        )
        self._virt_env = None

    @property
    def prefix(self):
        return self.path

    @property
    def paths(self):
        return Paths(self.path)

    @property
    def virt_env(self):
        if self._virt_env is None:
            self._virt_env = VirtEnv(self.path)
        return self._virt_env

    @property
    def metadata(self):
        return _read_json(os.path.join(self.path, 'metadata'))

    def get_vms(self):
        return self.virt_env.get_vms()

    def get_nets(self):
        return self.virt_env.get_nets()

    def create_snapshots(self, name, restore=True):
        """With the engine, its hosts and storage at rest; `restore` brings them back to work."""
        program.tell(self.path, 'ovirt', 'snapshot', name, *([] if restore else ['--no-restore']))

    def revert_snapshots(self, name):
        program.tell(self.path, 'ovirt', 'revert', name)

    def start(self, vm_names=()):
        program.tell(self.path, 'start', *vm_names)

    def stop(self, vm_names=()):
        program.tell(self.path, 'stop', *vm_names)

    def collect_artifacts(self, output_dir):
        program.tell(self.path, 'collect', '--output', output_dir)


class Paths(object):
    """Where things are in a prefix."""

    def __init__(self, prefix_path):
        self._prefix_path = prefix_path

    def prefix(self, *below):
        return os.path.join(self._prefix_path, *below)

    def internal_repo(self, *below):
        return self.prefix('internal_repo', *below)

    def images(self, *below):
        return self.prefix('images', *below)


class VirtEnv(object):
    def __init__(self, prefix_path):
        self.prefix_path = prefix_path
        names = _read_json(os.path.join(prefix_path, 'virt', 'env'))
        self._nets = [Net(self, self._spec('net', name)) for name in names['nets']]
        self._vms = [Vm(self, self._spec('vm', name)) for name in names['vms']]

    def get_vms(self):
        """By name."""
        return dict((vm.name(), vm) for vm in self._vms)

    def get_vm(self, name):
        for vm in self._vms:
            if vm.name() == name:
                return vm
        known = ', '.join(vm.name() for vm in self._vms)
        raise LagoError('there is no VM %r in %s; its VMs: %s' % (name, self.prefix_path, known))

    def get_nets(self):
        """By name."""
        return dict((net.name(), net) for net in self._nets)

    def get_net(self, name=None):
        """The management net without a name; None where there is none of that name."""
        return self.management_net() if name is None else self.get_nets().get(name)

    def engine_vm(self):
        for vm in self._vms:
            if vm.vm_type == 'ovirt-engine':
                return vm
        raise LagoError('no VM of %s is an engine' % self.prefix_path)

    def host_vms(self):
        """In the order of the init file."""
        return [vm for vm in self._vms if vm.vm_type in HOST_TYPES]

    def create_snapshots(self, name):
        """Of the VMs alone, whatever the engine is at."""
        program.tell(self.prefix_path, 'snapshot', name)

    def revert_snapshots(self, name):
        program.tell(self.prefix_path, 'revert', name)

    def get_snapshots(self):
        """The names of each VM's, oldest first."""
        listed = program.ask(self.prefix_path, 'snapshot', '--list')
        return dict((vm, list(snapshots)) for vm, snapshots in listed.items())

    def management_net(self):
        for net in self._nets:
            if net.is_management():
                return net
        return self._nets[0]

    def _spec(self, kind, name):
        return _read_json(os.path.join(self.prefix_path, 'virt', '%s-%s' % (kind, name)))


def _read_json(path):
    with open(path) as file:
        return json.load(file)
