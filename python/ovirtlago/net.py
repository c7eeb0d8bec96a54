"""A net as scenarios see it."""
from ovirtlago import program

DEFAULT_MTU = 1500


class Net(dict):
    """Its spec, too."""

    def __init__(self, virt_env, spec):
        super(Net, self).__init__(spec)
        self.virt_env = virt_env

    def __repr__(self):
        return '<Net %s>' % self.name()

    @property
    def spec(self):
        return dict(self)

    def name(self):
        return self['name']

    def gw(self):
        """None for nets without a gateway."""
        return self.get('gw')

    def mtu(self):
        return int(self.get('mtu', DEFAULT_MTU))

    def is_management(self):
        return bool(self.get('management', False))

    def mapping(self):
        """Addresses by host name; a machine has one of its own and `NAME-NIC` for each NIC."""
        return dict(self.get('mapping', {}))

    def resolve(self, name):
        return self.mapping()[name]

    def alive(self):
        return program.ask(self.virt_env.prefix_path, 'status')['Prefix']['Networks'][self.name()]['status'] == 'up'
