import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { SystemFacts } from '../../../../src/bootstrap/image-facts.js'
import { dropbearKey } from '../../../../src/bootstrap/inject/dropbear-key.js'
import { planInjection, type InjectPlan } from '../../../../src/bootstrap/inject/plan.js'
import type { ExistingFile, Snapshot } from '../../../../src/bootstrap/inject/snapshot.js'
import type { HostKey, Identity } from '../../../../src/bootstrap/types.js'
import { useTempDirs } from '../../../helpers/temp-dir.js'

const tempDir = useTempDirs()

const SYSTEM: SystemFacts = {
  os: { id: 'debian', version: '12' },
  init: { kind: 'systemd', version: 252 },
  cloudInit: 'absent',
  network: 'networkd',
  seLinux: 'none',
  hasGuestAgent: false,
  sshServer: 'openssh',
  mountPoints: [],
}

interface SnapshotWith {
  readonly system?: Partial<SystemFacts>
  /** Owned by root, with mode 0644. */
  readonly files?: Readonly<Record<string, string | ExistingFile>>
  readonly directories?: Readonly<Record<string, readonly string[]>>
  readonly rest?: Partial<Snapshot>
}

function snapshot({ system, files = {}, directories = {}, rest }: SnapshotWith = {}): Snapshot {
  const asFile = (file: string | ExistingFile): ExistingFile =>
    typeof file === 'string' ? { text: file, mode: 0o644, uid: 0, gid: 0 } : file
  return {
    system: { ...SYSTEM, ...system },
    root: { name: 'root', uid: 0, gid: 0, homeDir: '/root' },
    sshUser: { name: 'root', uid: 0, gid: 0, homeDir: '/root' },
    files: new Map(Object.entries(files).map(([name, file]) => [name, asFile(file)])),
    directories: new Map(Object.entries({ '/root': [], ...directories })),
    unitsToEnable: [],
    ...rest,
  }
}

const KEY = 'ssh-ed25519 AAAAkey lago'
const IDENTITY: Identity = {
  vm: 'vm0',
  hostName: 'vm0',
  fqdn: 'vm0.lago.local',
  sshUser: 'root',
  sshPublicKey: KEY,
  rootPassword: undefined,
  hostKey: undefined,
  nics: [],
  distro: undefined,
}

interface Written {
  readonly kind: string
  readonly text?: string
  readonly mode?: string
  readonly owner?: string
  readonly target?: string
}

/** What is written last at each path, as people read it. */
function written({ operations }: InjectPlan): Readonly<Record<string, Written>> {
  return Object.fromEntries(
    operations.map((operation): [string, Written] => {
      const { kind } = operation
      if (kind === 'remove') return [operation.path, { kind }]
      if (kind === 'symlink') return [operation.path, { kind, target: operation.target }]
      const access = { mode: operation.mode.toString(8), owner: `${operation.uid ?? 0}:${operation.gid ?? 0}` }
      if (kind === 'directory') return [operation.path, { kind, ...access }]
      return [operation.path, { kind, ...access, text: operation.content.toString('latin1') }]
    }),
  )
}

function plan(
  image: SnapshotWith = {},
  identity: Partial<Identity> = {},
  rootPasswordHash?: string,
): Readonly<Record<string, Written>> {
  return written(planInjection(snapshot(image), { ...IDENTITY, ...identity }, { rootPasswordHash }))
}

function warnings(image: SnapshotWith, identity: Partial<Identity> = {}, hash?: string): readonly string[] {
  return planInjection(snapshot(image), { ...IDENTITY, ...identity }, { rootPasswordHash: hash }).warnings
}

describe('who may log in', () => {
  test('root alone, where that is who logs in', () => {
    const found = plan()
    expect(found['/root/.ssh']).toEqual({ kind: 'directory', mode: '700', owner: '0:0' })
    const keys = { kind: 'file', mode: '600', owner: '0:0', text: `${KEY}\n` }
    expect(found['/root/.ssh/authorized_keys']).toEqual(keys)
    expect(found['/root']).toBeUndefined()
  })

  test('another user too, whose home is made when there is none', () => {
    const sshUser = { name: 'user', uid: 1000, gid: 1001, homeDir: '/home/user' }
    const found = plan({ rest: { sshUser } }, { sshUser: 'user' })
    expect(found['/home/user']).toEqual({ kind: 'directory', mode: '700', owner: '1000:1001' })
    expect(found['/home/user/.ssh']).toEqual({ kind: 'directory', mode: '700', owner: '1000:1001' })
    expect(found['/home/user/.ssh/authorized_keys']).toMatchObject({ owner: '1000:1001', mode: '600' })
    expect(found['/root/.ssh/authorized_keys']).toMatchObject({ owner: '0:0' })
  })

  test('lines that are there stay as they are, but for those of the same key', () => {
    const others = ['# AAAAkey', 'ssh-rsa AAAAother \xff\xfe', '', 'no-pty ssh-rsa AAAAmore']
    const same = ['command="echo no" ssh-ed25519 AAAAkey x', KEY]
    const text = [...others, ...same].join('\n') // without a last line end
    const found = plan({ files: { '/root/.ssh/authorized_keys': text } }, { sshPublicKey: `${KEY} ü` })
    const added = Buffer.from(`${KEY} ü`).toString('latin1')
    expect(found['/root/.ssh/authorized_keys']?.text).toBe([...others, added, ''].join('\n'))
  })

  test('a user who is not there is told', () => {
    expect(warnings({ rest: { sshUser: undefined } }, { sshUser: 'user' })).toEqual([
      'there is no user "user" in the image; only root gets the key',
    ])
  })
})

describe('the name', () => {
  const hosts = (text: string | undefined, identity: Partial<Identity> = {}): string | undefined =>
    plan(text === undefined ? {} : { files: { '/etc/hosts': text } }, identity)['/etc/hosts']?.text

  test('goes to /etc/hostname and, behind localhost, to /etc/hosts', () => {
    expect(plan()['/etc/hostname']).toEqual({ kind: 'file', mode: '644', owner: '0:0', text: 'vm0\n' })
    expect(hosts('127.0.0.1 localhost\n127.0.1.1 template\n10.0.0.1 other\n')).toBe(
      '127.0.0.1 localhost\n127.0.1.1 vm0.lago.local vm0\n10.0.0.1 other\n',
    )
    expect(hosts('::1 localhost')).toBe('127.0.1.1 vm0.lago.local vm0\n::1 localhost\n')
    expect(hosts(undefined, { fqdn: undefined })).toBe('127.0.0.1 localhost\n127.0.1.1 vm0\n::1 localhost\n')
  })

  test('of EL 6 is in a file of its own as well; the mode of files stays', () => {
    const text = 'NETWORKING=yes\nHOSTNAME=template\n'
    const found = plan({ files: { '/etc/sysconfig/network': { text, mode: 0o600, uid: 1, gid: 2 } } })
    const expected = { mode: '600', owner: '1:2', text: 'NETWORKING=yes\nHOSTNAME=vm0\n' }
    expect(found['/etc/sysconfig/network']).toMatchObject(expected)
    expect(plan({ files: { '/etc/sysconfig/network': '# empty\n' } })['/etc/sysconfig/network']).toBeUndefined()
  })
})

describe('the password of root', () => {
  const HASH = '$6$salt$hash'
  const PASSWD = 'root:x:0:0:root:/root:/bin/sh\n'

  test('goes to shadow, whose other fields, lines and mode stay', () => {
    const text = 'daemon:*:1:::::\nroot:!:19000:0:99999:7:::\nrooty:*:1:::::\n'
    const found = plan({ files: { '/etc/shadow': { text, mode: 0o640, uid: 0, gid: 42 } } }, {}, HASH)
    const changed = text.replace('root:!', `root:${HASH}`)
    expect(found['/etc/shadow']).toEqual({ kind: 'file', mode: '640', owner: '0:42', text: changed })
    expect(plan({ files: { '/etc/shadow': text } })['/etc/shadow']).toBeUndefined()
  })

  test('is not to be changed at the first login', () => {
    const found = plan({ files: { '/etc/shadow': 'root:*:0:0:99999:7:::\n' } }, {}, HASH)
    expect(found['/etc/shadow']?.text).toBe(`root:${HASH}::0:99999:7:::\n`)
  })

  test('goes to passwd where there is no shadow', () => {
    const found = plan({ files: { '/etc/passwd': PASSWD, '/etc/shadow': 'bin:*:1:::::\n' } }, {}, HASH)
    expect(found['/etc/passwd']?.text).toBe(`root:${HASH}:0:0:root:/root:/bin/sh\n`)
    expect(found['/etc/shadow']).toBeUndefined()
  })

  test('is told when it has no place, and is nothing but a hash', () => {
    expect(warnings({}, {}, HASH)).toEqual([expect.stringMatching(/password is not set/)])
    for (const bad of ['a:b', 'a\nb', ''])
      expect(() => plan({ files: { '/etc/passwd': PASSWD } }, {}, bad)).toThrow('not the hash of a password')
  })
})

describe('the key of the ssh server', () => {
  const hostKey: HostKey = { privateKey: 'private\n', publicKey: 'ssh-ed25519 AAAAhost vm0' }
  const names = ['moduli', 'ssh_host_ed25519_key', 'ssh_host_rsa_key', 'ssh_host_rsa_key.pub', 'ssh_host_key-cert.pub']

  test('is the only one of sshd', () => {
    const config =
      '# here\nInclude x\n  hostkey /etc/ssh/ssh_host_rsa_key\nHostKeyAgent y\nMatch User z\n  X11Forwarding no\n'
    const files = { '/etc/ssh/sshd_config': { text: config, mode: 0o600, uid: 0, gid: 0 } }
    const found = plan({ directories: { '/etc/ssh': names }, files }, { hostKey })
    expect(found['/etc/ssh/ssh_host_ed25519_key']).toMatchObject({ text: 'private\n', mode: '600', owner: '0:0' })
    expect(found['/etc/ssh/ssh_host_ed25519_key.pub']).toMatchObject({ text: `${hostKey.publicKey}\n`, mode: '644' })
    for (const name of names.slice(2)) expect(found[`/etc/ssh/${name}`]).toEqual({ kind: 'remove' })
    expect(found['/etc/ssh/moduli']).toBeUndefined()
    expect(found['/etc/ssh/sshd_config']).toMatchObject({
      mode: '600',
      text: `HostKey /etc/ssh/ssh_host_ed25519_key\n# here\nInclude x\nHostKeyAgent y\nMatch User z\n  X11Forwarding no\n`,
    })
  })

  test('stays as it is without one of ours', () => {
    const found = plan({ directories: { '/etc/ssh': names }, files: { '/etc/ssh/sshd_config': '' } })
    expect(Object.keys(found).filter((name) => name.startsWith('/etc/ssh/'))).toEqual([])
  })

  test('is not given to a server that is not there, or too old for it', () => {
    const none = planInjection(snapshot({ system: { sshServer: undefined } }), { ...IDENTITY, hostKey }, NO_PASSWORD)
    expect(none.setsHostKey).toBe(false)
    expect(none.warnings).toEqual([expect.stringMatching(/no ssh server/)])
    const el6 = snapshot({ system: { init: { kind: 'upstart' }, os: undefined } })
    const old = planInjection(el6, { ...IDENTITY, hostKey }, NO_PASSWORD)
    expect(old.setsHostKey).toBe(false)
    expect(old.warnings).toEqual([expect.stringMatching(/too old for an Ed25519 key/)])
    expect(Object.keys(written(old)).filter((name) => name.startsWith('/etc/ssh/'))).toEqual([])
  })

  test('of dropbear is in its own format and place', async () => {
    const made = await makeHostKey()
    const image = { system: { sshServer: 'dropbear' as const } }
    const content = dropbearKey(made.privateKey).toString('latin1')
    const debian = plan(
      { ...image, directories: { '/etc/dropbear': ['dropbear_rsa_host_key', 'log'] } },
      { hostKey: made },
    )
    expect(debian['/etc/dropbear/dropbear_ed25519_host_key']).toMatchObject({ text: content, mode: '600' })
    expect(debian['/etc/dropbear/dropbear_rsa_host_key']).toEqual({ kind: 'remove' })
    expect(debian['/etc/dropbear/log']).toBeUndefined()
    const mini = plan(image, { hostKey: made })
    expect(mini['/etc/ssh/dropbear_host_ed25519_key']).toMatchObject({ text: content, mode: '600' })
  })

  /** By ssh-keygen. */
  async function makeHostKey(...options: readonly string[]): Promise<HostKey> {
    const place = path.join(await tempDir(), 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a comment', ...options, '-f', place])
    const publicKey = (await readFile(`${place}.pub`, 'utf8')).trim()
    return { privateKey: await readFile(place, 'utf8'), publicKey }
  }

  test('of dropbear is the type, and seed and point as one string', async () => {
    const { privateKey, publicKey } = await makeHostKey()
    const key = dropbearKey(privateKey)
    const point = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64').subarray(-32)
    expect(key.length).toBe(4 + 11 + 4 + 64)
    expect(key.subarray(0, 19).toString('latin1')).toBe('\0\0\0\x0bssh-ed25519\0\0\0\x40')
    expect(key.subarray(-32)).toEqual(point)
  })

  test('of another kind is refused, without a word of it', async () => {
    const secret = await makeHostKey('-N', 'passphrase')
    expect(() => dropbearKey(secret.privateKey)).toThrow(/^the private key is under a passphrase$/)
    const rsa = await makeHostKey('-t', 'rsa')
    expect(() => dropbearKey(rsa.privateKey)).toThrow(/^not an Ed25519 key$/)
    expect(() => dropbearKey('nonsense')).toThrow(/^not a private key of OpenSSH$/)
    const cut = Buffer.from('openssh-key-v1\0\0\0\0\x7f').toString('base64')
    const armoured = `-----BEGIN OPENSSH PRIVATE KEY-----\n${cut}\n-----END OPENSSH PRIVATE KEY-----\n`
    expect(() => dropbearKey(armoured)).toThrow(/^the private key ends early$/)
  })
})

const NO_PASSWORD = { rootPasswordHash: undefined }

describe('the network', () => {
  const nics = [
    { mac: '54:52:C0:A8:C8:02', ip: '192.168.200.2', mtu: 1500, isManagement: true },
    { mac: '54:52:c0:a8:c9:02', ip: undefined, mtu: 1400, isManagement: false },
  ]

  const network = (stack: SystemFacts['network'], image: SnapshotWith = {}): Readonly<Record<string, Written>> =>
    plan({ ...image, system: { network: stack, ...image.system } }, { nics })

  test('by networkd', () => {
    const found = network('networkd')
    expect(found['/etc/systemd/network/05-lago-0.network']).toMatchObject({
      mode: '644',
      text: `[Match]
MACAddress=54:52:c0:a8:c8:02
Type=ether

[Network]
DHCP=ipv4

[DHCPv4]
RouteMetric=100
`,
    })
    expect(found['/etc/systemd/network/05-lago-1.network']?.text).toBe(`[Match]
MACAddress=54:52:c0:a8:c9:02
Type=ether

[Link]
MTUBytes=1400
RequiredForOnline=no

[Network]
DHCP=ipv4

[DHCPv4]
RouteMetric=1001
`)
    expect(found['/etc/resolv.conf']).toBeUndefined()
  })

  test('by a networkd of old, and by one that is to be enabled', () => {
    const old = network('networkd', { system: { init: { kind: 'systemd', version: 237 } } })
    expect(old['/etc/systemd/network/05-lago-0.network']?.text).toMatch(/\[DHCP\]\nRouteMetric=100\n$/)
    const units = ['/lib/systemd/system/systemd-networkd.service', '/lib/systemd/system/systemd-resolved.service']
    const asleep = network('networkd', { rest: { unitsToEnable: units } })
    const wanted = '/etc/systemd/system/multi-user.target.wants'
    expect(asleep[`${wanted}/systemd-networkd.service`]).toEqual({ kind: 'symlink', target: units[0] })
    expect(asleep[`${wanted}/systemd-resolved.service`]).toEqual({ kind: 'symlink', target: units[1] })
    expect(asleep['/etc/resolv.conf']).toEqual({ kind: 'symlink', target: '../run/systemd/resolve/stub-resolv.conf' })
  })

  test('by netplan', () => {
    const found = network('netplan')
    expect(found['/etc/netplan/50-cloud-init.yaml']).toEqual({ kind: 'remove' })
    expect(found['/etc/netplan/60-lago.yaml']).toMatchObject({
      mode: '600',
      text: `network:
  version: 2
  ethernets:
    00-lago-0:
      match:
        macaddress: "54:52:c0:a8:c8:02"
      dhcp4: true
      dhcp4-overrides:
        route-metric: 100
    00-lago-1:
      match:
        macaddress: "54:52:c0:a8:c9:02"
      dhcp4: true
      dhcp4-overrides:
        route-metric: 1001
      mtu: 1400
      optional: true
`,
    })
  })

  test('by NetworkManager', () => {
    const found = network('NetworkManager')
    expect(found['/etc/NetworkManager/system-connections/lago-1.nmconnection']).toMatchObject({
      mode: '600',
      owner: '0:0',
      text: `[connection]
id=lago-1
type=ethernet
autoconnect-priority=100

[ethernet]
mac-address=54:52:c0:a8:c9:02
mtu=1400

[ipv4]
method=auto
route-metric=1001

[ipv6]
method=auto
route-metric=1001
`,
    })
  })

  test('by ifupdown', () => {
    expect(network('ifupdown')['/etc/network/interfaces']?.text).toBe(`auto lo
iface lo inet loopback

auto mac/54:52:c0:a8:c8:02=lago0
iface lago0 inet dhcp
    metric 100

auto mac/54:52:c0:a8:c9:02=lago1
iface lago1 inet dhcp
    metric 1001
    post-up ip link set dev $IFACE mtu 1400
`)
    expect(network('busybox-ifup')['/etc/network/interfaces']?.text).toMatch(
      /^auto lo\n[^]*\nauto eth1\niface eth1 inet dhcp\n    metric 1001\n    post-up ip link/,
    )
  })

  test('by the scripts of EL', () => {
    const found = network('ifcfg')
    expect(found['/etc/sysconfig/network-scripts/ifcfg-eth1']).toMatchObject({
      text: `HWADDR=54:52:C0:A8:C9:02
BOOTPROTO=dhcp
ONBOOT=yes
TYPE=Ethernet
NAME=eth1
MTU=1400
METRIC=1001
IPV4_ROUTE_METRIC=1001
`,
    })
  })

  test('that is not known is told, but not of small systems', () => {
    const systemd = { system: { network: 'none' as const } }
    expect(warnings(systemd, { nics })).toEqual([expect.stringMatching(/network .* is not known/)])
    expect(warnings(systemd)).toEqual([])
    expect(warnings({ system: { network: 'none', init: { kind: 'busybox' } } }, { nics })).toEqual([])
  })
})

describe('what machines of one image do not share', () => {
  test('is emptied or removed, where it is', () => {
    const files = { '/etc/machine-id': '0123\n', '/var/lib/dbus/machine-id': '0123\n' }
    const found = plan({ files })
    expect(found['/etc/machine-id']).toEqual({ kind: 'file', mode: '444', owner: '0:0', text: '' })
    expect(found['/var/lib/dbus/machine-id']).toEqual({ kind: 'symlink', target: '/etc/machine-id' })
    expect(found['/var/lib/systemd/random-seed']).toEqual({ kind: 'remove' })
    expect(found['/etc/udev/rules.d/70-persistent-net.rules']).toEqual({ kind: 'remove' })
  })

  test('and no machine-id is brought to systems without one', () => {
    expect(plan()['/etc/machine-id']?.text).toBe('') // systemd: a missing one would be a first boot
    expect(plan()['/var/lib/dbus/machine-id']).toBeUndefined()
    expect(plan({ system: { init: { kind: 'busybox' } } })['/etc/machine-id']).toBeUndefined()
  })
})

test('cloud-init is switched off where it is, and iSCSI has the name that upstream gives it', () => {
  expect(plan()['/etc/cloud/cloud-init.disabled']).toBeUndefined()
  for (const cloudInit of ['enabled', 'disabled', 'other-sources'] as const)
    expect(plan({ system: { cloudInit } })['/etc/cloud/cloud-init.disabled']).toMatchObject({ kind: 'file', text: '' })
  expect(plan()['/etc/iscsi/initiatorname.iscsi']).toBeUndefined()
  const text = 'InitiatorName=iqn.2014-07.org.lago:vm0:vm0\n'
  const found = plan({ directories: { '/etc/iscsi': [] } })
  expect(found['/etc/iscsi/initiatorname.iscsi']).toMatchObject({ text, mode: '600' })
})

test('what another file system would hide is refused', () => {
  const inject =
    (mountPoints: readonly string[]): (() => unknown) =>
    () =>
      plan({ system: { mountPoints } })
  expect(inject(['/home', '/var', '/rootless'])).not.toThrow()
  for (const point of ['/root', '/etc'])
    expect(inject([point])).toThrow(
      expect.objectContaining({ code: 'LAGO_INJECT', message: expect.stringContaining(`${point} is mounted there`) }),
    )
  const sshUser = { name: 'user', uid: 1, gid: 1, homeDir: '/home/user\x1b[2J' }
  const image = { system: { mountPoints: ['/home'] }, rest: { sshUser } }
  expect(() => plan(image, { sshUser: 'user' })).toThrow(
    '/home/user of the image is not on its root file system: /home is mounted there',
  )
})

test('SELinux that enforces is told', () => {
  expect(warnings({ system: { seLinux: 'enforcing' } })).toEqual([expect.stringMatching(/SELinux/)])
})
