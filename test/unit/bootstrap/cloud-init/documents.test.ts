/** The documents of a seed against ones that were read by cloud-init 20.4, 22.4, 25.1 and 26.2. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { renderMetaData } from '../../../../src/bootstrap/cloud-init/meta-data.js'
import { renderNetworkConfig } from '../../../../src/bootstrap/cloud-init/network-config.js'
import { renderUserData, type UserData } from '../../../../src/bootstrap/cloud-init/user-data.js'
import type { Identity } from '../../../../src/bootstrap/types.js'
import { identityOf } from '../../../helpers/identity.js'

const HASH = '$6$salt5678$hash/Hash.hash'

/** Only its form matters. */
const HOST_KEY = {
  privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n-----END OPENSSH PRIVATE KEY-----\n',
  publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGzhneF5YVbVrAMZSZr5877h vm0',
}

const MIXED = `#!/bin/sh
echo "grüße from $(hostname)"
`

async function golden(name: string): Promise<string> {
  return readFile(new URL(`../../../../../test/fixtures/cloud-init/${name}`, import.meta.url), 'utf8')
}

function userData(userData?: UserData, identity = identityOf()): string {
  return renderUserData({ identity, rootPasswordHash: undefined, userData })
}

/** What a user-data without a second part says. */
function configOf(text: string): Record<string, unknown> {
  const [first = '', ...rest] = text.split('\n')
  expect(first).toBe('#cloud-config')
  return load(rest.join('\n')) as Record<string, unknown>
}

describe('goldens', () => {
  const full = identityOf({ sshUser: 'debian', hostKey: HOST_KEY })

  test.each([
    ['meta-data', () => renderMetaData(full, '0123abcd-vm0')],
    ['network-config', () => renderNetworkConfig(full.nics)],
    ['user-data', () => userData(undefined, identityOf({ fqdn: undefined }))],
    [
      'user-data.full',
      () => renderUserData({ identity: full, rootPasswordHash: HASH, userData: { packages: ['vim'] } }),
    ],
    ['user-data.mixed', () => userData(MIXED)],
  ])('%s', async (name, render) => {
    expect(render()).toBe(await golden(name))
  })
})

describe('without being asked', () => {
  const config = configOf(userData())

  test('no password is set, none may be used, and the guest makes its host keys', () => {
    for (const key of ['chpasswd', 'ssh_pwauth', 'ssh_keys', 'ssh_deletekeys']) expect(config).not.toHaveProperty(key)
  })

  test('users are those of the image when root logs in', () => {
    expect(config).not.toHaveProperty('users')
  })
})

test('a machine without nics has a network without interfaces', () => {
  expect(load(renderNetworkConfig([]))).toEqual({ version: 2, ethernets: {} })
})

test.each(['yes', 'N', 'null', '1', '~', 'a: b', '-', '__proto__', 'two\nlines'])(
  'a key of the user stays the text %j',
  (key) => {
    const text = userData(JSON.parse(`{${JSON.stringify(key)}: 1}`) as UserData)
    expect(text).toContain(`\n${JSON.stringify(key)}: 1\n`)
    expect(Object.keys(configOf(text))).toContain(key)
  },
)

test('no text of ours is anything but a text to YAML 1.1', () => {
  const identity: Partial<Identity> = { hostName: 'yes', fqdn: '0x10', sshUser: 'null', sshPublicKey: '~' }
  const text = userData(undefined, identityOf(identity))
  for (const quoted of ['hostname: "yes"', 'fqdn: "0x10"', '"name": "null"', '["~"]']) expect(text).toContain(quoted)
  expect(renderMetaData({ hostName: '1:30' }, '1e3')).toBe('instance-id: "1e3"\nlocal-hostname: "1:30"\n')
})

test('characters that a YAML reader stumbles over are written by their numbers', () => {
  const text = userData({ text: 'a\u2028b\u0085c\u007fd\ufeffe\uffff ä 😀' })
  expect(text).toContain('"a\\u2028b\\u0085c\\u007fd\\ufeffe\\uffff ä 😀"')
})

describe('a cloud-config of the user', () => {
  const asMapping = {
    hostname: 'other',
    disable_root: true,
    ssh_authorized_keys: ['ssh-rsa BBBB'],
    growpart: { mode: false, devices: ['/dev/vdb1'] },
    users: [{ name: 'bob' }],
    runcmd: [['touch', '/x']],
    resize_rootfs: null,
  }
  const asText = `#cloud-config
# by hand
hostname: other
disable_root: yes
ssh_authorized_keys: [ssh-rsa BBBB]
growpart: {mode: off, devices: [/dev/vdb1]}
users:
  - name: bob
runcmd:
  - [touch, /x]
resize_rootfs: ~
`

  test.each<[string, UserData]>([
    ['as a mapping', asMapping],
    ['as a text', asText],
    ['as a text that cloud-init would know, too', `\n  ${asText.replace('#cloud-config', '#Cloud-Config')}`],
  ])('%s: scalars win, lists are appended, mappings are merged', (_, given) => {
    const config = configOf(userData(given, identityOf({ sshUser: 'debian' })))
    const { sshPublicKey } = identityOf()
    expect(config).toMatchObject({
      hostname: 'other',
      fqdn: 'vm0.lago.local',
      disable_root: true,
      ssh_authorized_keys: [sshPublicKey, 'ssh-rsa BBBB'],
      growpart: { mode: false, devices: ['/', '/dev/vdb1'] },
      users: ['default', { name: 'debian', ssh_authorized_keys: [sshPublicKey] }, { name: 'bob' }],
      runcmd: [['touch', '/x']],
      resize_rootfs: null,
    })
  })

  test('is left as it is', () => {
    const before = structuredClone(asMapping)
    userData(asMapping)
    expect(asMapping).toEqual(before)
  })

  test.each([
    ['octal numbers', 'permissions: 0644', { permissions: 420 }],
    ['words for truth', 'a: [yes, no, on, off, y, n]', { a: [true, false, true, false, 'y', 'n'] }],
    ['dates', 'expiredate: 2032-09-01', { expiredate: '2032-09-01' }],
    ['anchors', 'a: &x {b: [1]}\nc: *x\nd: {<<: *x, e: 2}', { a: { b: [1] }, c: { b: [1] }, d: { b: [1], e: 2 } }],
    ['nothing', '', {}],
    ['nothing at all', '~', {}],
  ])('is read as cloud-init reads it: %s', (_, yaml, expected) => {
    expect(configOf(userData(`#cloud-config\n${yaml}\n`))).toMatchObject(expected)
  })

  test('cannot reach what objects have in common', () => {
    const config = configOf(userData(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}') as UserData))
    expect(config).toHaveProperty('constructor', 2)
    expect({}).not.toHaveProperty('polluted')
  })

  test.each([
    ['no YAML', 'a: [1\nb: s3cret', 'line'],
    ['a key twice', 'a: 1\na: s3cret', 'line 3: duplicated mapping key'],
    ['a list', '- s3cret', 'it is no mapping'],
    ['a text', 's3cret', 'it is no mapping'],
    ['two documents', 'a: 1\n---\nb: s3cret', 'single document'],
    ['an unknown tag', 'a: !secret s3cret', 'line 2: unknown scalar tag'],
    ['bytes', 'a: !!binary czNjcmV0', 'line 2: unknown scalar tag'],
    ['something that contains itself', 'a: &a [*a]', 'contains itself'],
    ['a bomb', `${bomb()}`, 'more than 200000 values'],
    ['a prototype', '__proto__: {a: 1}', 'not allowed as a key'],
  ])('that is %s is refused, and not shown', (_, yaml, why) => {
    expect.assertions(2)
    try {
      userData(`#cloud-config\n${yaml}\n`)
    } catch (error) {
      const message = expect.stringMatching(new RegExp(`^the user-data of vm0 .*: .*${why}`)) as unknown
      expect(error).toMatchObject({ code: 'LAGO_USER_DATA', message, data: { vm: 'vm0' } })
      expect(String(error)).not.toContain('s3cret')
    }
  })

  function bomb(): string {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const [own, below] = ['abcdefghij'[level], 'abcdefghij'[level - 1]]
      return `${own}: &${own} [${Array<string>(10)
        .fill(below === undefined ? '1' : `*${below}`)
        .join(', ')}]`
    })
    return levels.join('\n')
  }
})

describe('any other text of the user goes beside ours', () => {
  test.each([
    ['a script', '#!/bin/sh\necho hi\n'],
    ['addresses', '#include\nhttp://127.0.0.1/x\n'],
    ['a template', '## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\n'],
    ['an archive', '#cloud-config-archive\n- content: x\n'],
    ['a patch', '#cloud-config-jsonp\n[]\n'],
    ['a boot hook', '#cloud-boothook\n#!/bin/sh\n'],
  ])('%s, byte for byte, for cloud-init to find out what it is', (_, text) => {
    const parts = partsOf(userData(text))
    expect(parts).toHaveLength(2)
    expect(parts[0]).toMatchObject({ type: 'text/plain; charset="utf-8"', content: text })
  })

  test('ours comes last, and adds to what the text may lead to', () => {
    const [, ours] = partsOf(userData('#include\nhttp://127.0.0.1/x\n'))
    expect(ours).toMatchObject({
      type: 'text/cloud-config; charset="utf-8"',
      merge: 'list(append)+dict(no_replace,recurse_list)+str()',
      content: userData(),
    })
  })

  test('a multipart of the user stays one', () => {
    const text =
      'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/x-a\n\na\n--b--\n'
    const parts = userData(text).split(/^--lago-[0-9a-f]+(?:--)?\n/m)
    expect(parts).toHaveLength(4)
    expect(parts[1]).toBe(`${text}\n`)
  })

  test('the same text gives the same document, another one another', () => {
    expect(userData('#!/bin/sh\n')).toBe(userData('#!/bin/sh\n'))
    expect(userData('#!/bin/sh\n')).not.toBe(userData('#!/bin/bash\n'))
  })

  /** A small reader of what we write. */
  function partsOf(document: string): { type: string | undefined; merge: string | undefined; content: string }[] {
    const boundary = /boundary="([^"]+)"/.exec(document)?.[1] ?? ''
    const [head = '', ...rest] = document.split(`--${boundary}`)
    expect(head).toMatch(/^Content-Type: multipart\/mixed; boundary="[^"]+"\nMIME-Version: 1\.0\n\n$/)
    expect(rest.pop()).toBe('--\n')
    return rest.map((part) => {
      const [headers = '', body = ''] = part.trim().split('\n\n')
      const header = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(headers)?.[1]
      expect(header('Content-Transfer-Encoding')).toBe('base64')
      const content = Buffer.from(body, 'base64').toString('utf8')
      return { type: header('Content-Type'), merge: header('Merge-Type'), content }
    })
  }
})
