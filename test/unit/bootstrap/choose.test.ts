import { expect, test } from '@jest/globals'
import { chooseStrategy } from '../../../src/bootstrap/choose.js'
import type { ImageFacts, SystemFacts } from '../../../src/bootstrap/image-facts.js'

const DEBIAN: SystemFacts = {
  os: { id: 'debian', version: '12' },
  init: { kind: 'systemd', version: 252 },
  cloudInit: 'absent',
  network: 'networkd',
  seLinux: 'none',
  hasGuestAgent: false,
  sshServer: 'openssh',
  mountPoints: [],
}

function image(system: Partial<SystemFacts>, whyNotWritable?: string): ImageFacts {
  return { rootFs: { whyNotWritable }, system: { ...DEBIAN, ...system } }
}

const XFS: ImageFacts = { rootFs: undefined, why: 'there is no ext4 on it, but xfs', contents: ['xfs'] }
const DIRTY = 'its journal is to be replayed'

const CASES: readonly (readonly [string, ImageFacts, string | undefined, string, RegExp])[] = [
  ['what the metadata names', image({ cloudInit: 'enabled' }), 'none', 'none', /metadata/],
  ['what the metadata names, whatever is in it', XFS, 'cloud-init', 'cloud-init', /metadata/],
  ['auto is no name', image({}), 'auto', 'inject', /cloud-init is not in it/],
  ['cloud-init', image({ cloudInit: 'enabled', hasGuestAgent: true }), undefined, 'cloud-init', /enabled/],
  [
    'cloud-init on what cannot be written to',
    image({ cloudInit: 'enabled' }, DIRTY),
    undefined,
    'cloud-init',
    /enabled/,
  ],
  ['cloud-init that is off', image({ cloudInit: 'disabled' }), undefined, 'inject', /disabled/],
  ['cloud-init that looks elsewhere', image({ cloudInit: 'other-sources' }), undefined, 'inject', /NoCloud/],
  ['a plain ext4', image({ hasGuestAgent: true }), undefined, 'inject', /files can be written/],
  ['one that is not clean, with an agent', image({ hasGuestAgent: true }, DIRTY), undefined, 'agent', /journal/],
  ['one that is not clean', image({}, DIRTY), undefined, 'guestfs', /journal .*no guest agent/],
  ['SELinux', image({ seLinux: 'enforcing' }), undefined, 'guestfs', /SELinux/],
  ['SELinux, with an agent', image({ seLinux: 'enforcing', hasGuestAgent: true }), undefined, 'agent', /SELinux/],
  ['SELinux that only warns', image({ seLinux: 'permissive' }), undefined, 'inject', /files can be written/],
  ['an init of another kind', image({ init: { kind: 'unknown' } }), undefined, 'guestfs', /what starts the system/],
  ['an Alpine', image({ init: { kind: 'openrc' }, network: 'busybox-ifup' }), undefined, 'inject', /files/],
  ['no known network', image({ network: 'none' }), undefined, 'guestfs', /network/],
  [
    'busybox with scripts of its own',
    image({ init: { kind: 'busybox' }, network: 'none' }),
    undefined,
    'inject',
    /files/,
  ],
  [
    'a /root of its own',
    image({ mountPoints: ['/home', '/root'] }),
    undefined,
    'guestfs',
    /\/root is on a file system/,
  ],
  ['what cannot be looked at', XFS, undefined, 'guestfs', /cannot be looked at: there is no ext4 on it, but xfs/],
  ['one with nothing on it that is known', { ...XFS, contents: [] }, undefined, 'credentials', /nothing that is known/],
]

test.each(CASES)('%s', (_, facts, named, strategy, reason) => {
  expect(chooseStrategy(facts, { named })).toEqual({ strategy, reason: expect.stringMatching(reason) })
})

test('a name that is none is told with those that are', () => {
  expect(() => chooseStrategy(XFS, { named: 'cloudinit' })).toThrow(
    'unknown bootstrap "cloudinit"; known: cloud-init, inject, agent, guestfs, credentials, none, auto',
  )
})
