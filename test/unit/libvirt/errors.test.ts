import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { VIR_ERR_NO_DOMAIN, VIR_ERR_SYSTEM_ERROR } from '../../../src/libvirt/constants.js'
import { isLibvirtError, laneDied, nameInXml, toLagoError } from '../../../src/libvirt/errors.js'
import { loadLibvirt } from '../../../src/libvirt/ffi.js'
import type { LaneCall, LibvirtFailure } from '../../../src/libvirt/protocol.js'

const URI = 'qemu:///system'
const create: LaneCall = { name: 'createDomain', args: ['<domain><name>ab-vm0</name></domain>', {}] }
const ask: LaneCall = { name: 'domainInfos', args: [['a', 'b']] }

describe('a call that libvirt refuses', () => {
  test('tells call, number, object and libvirt’s own words in one line', () => {
    const error = toLagoError(refused({ message: 'internal error: qemu ended:\n  no such option\n' }), URI, create)
    expect(error.code).toBe('LAGO_LIBVIRT')
    expect(error.message).toBe(
      'libvirt could not create the domain "ab-vm0": internal error: qemu ended:; no such option ' +
        '(virDomainCreateXML, error 38)',
    )
    expect(error.data).toMatchObject({ uri: URI, call: 'virDomainCreateXML', libvirtCode: 38, object: 'ab-vm0' })
    expect(error.hint).toBeUndefined()
  })

  test('has no object when it was about several', () => {
    expect(toLagoError(refused({}), URI, ask).data).not.toHaveProperty('object')
  })

  test('is a full disk when libvirt says so', () => {
    const error = toLagoError(refused({ message: 'unable to write /images/m: No space left on device' }), URI, create)
    expect(error).toMatchObject({ code: 'LAGO_NO_SPACE', hint: expect.stringContaining('free some space') })
    expect(error.data).toMatchObject({ libvirtCode: 38 })
  })

  test.each([
    "operation failed: domain 'x' already exists with uuid 1",
    'operation failed: domain is already active as x',
    "internal error: bridge name 'virbr7' already in use.",
    'internal error: Network is already in use by interface virbr0',
  ])('hints at what is taken: %s', (message) => {
    expect(toLagoError(refused({ message }), URI, create).hint).toContain('virsh list --all')
    expect(toLagoError(refused({ message }), URI, { name: 'createNetwork', args: ['<network/>'] }).hint).toContain(
      'virsh net-list --all',
    )
  })

  test.each([
    "Cannot access storage file '/home/u/x.qcow2' (as uid:64055, gid:64055): Permission denied",
    "internal error: process exited: qemu: -blockdev {}: Could not open '/home/u/x.qcow2': Permission denied",
  ])('keeps the path of a file that may not be opened: %s', (message) => {
    const error = toLagoError(refused({ message }), URI, create)
    expect(error.data['deniedPath']).toBe('/home/u/x.qcow2')
    expect(error.hint).toContain('chmod o+x')
  })
})

describe('no connection', () => {
  test.each([
    { message: "Failed to connect socket to '/run/x': No such file or directory", hint: /virtlogd -d/ },
    { message: "Failed to connect socket to '/run/x': Permission denied", hint: /group libvirt/ },
    { code: 45, message: 'authentication failed: wrong', hint: /--libvirt-password/ },
    { code: 94, message: 'authentication unavailable: no polkit agent', hint: /group libvirt/ },
    { code: 5, message: 'no connection driver available for nosuch:///x', hint: /--libvirt_url/ },
    { code: 39, message: 'Cannot write data: Broken pipe', hint: /systemctl start libvirtd/ },
  ])('hints at what to do: $message', ({ code = VIR_ERR_SYSTEM_ERROR, message, hint }) => {
    const error = toLagoError({ kind: 'noConnection', ...failure({ code, message }) }, URI, ask)
    expect(error).toMatchObject({ code: 'LAGO_LIBVIRT_CONNECT', hint, message: expect.stringContaining(message) })
    expect(isLibvirtError(error, code)).toBe(true)
  })

  test('names the packages when the library is missing', () => {
    const missing = thrownBy(() => loadLibvirt('libno-such-library.so.0'))
    const error = toLagoError({ kind: 'noLibrary', message: missing }, URI, ask)
    expect(error).toMatchObject({ code: 'LAGO_LIBVIRT_CONNECT', hint: /libvirt0 .*libvirt-libs/ })
    expect(error.message).toMatch(/^could not load libvirt.so.0: .*No such file/)
  })

  test('does not repeat a password that somebody wrote into the address', () => {
    const uri = 'qemu+tcp://bob:s3cret@host/system'
    const error = toLagoError({ kind: 'noConnection', ...failure({}) }, uri, ask)
    expect(JSON.stringify([error.message, error.hint, error.data])).not.toContain('s3cret')
    expect(error.message).toContain('qemu+tcp://bob@host/system')
  })
})

test('a thread that died says what it was asked to do, and why when that is known', () => {
  expect(laneDied(ask, URI, undefined).message).toBe(
    'the libvirt thread ended while it should tell the states of domains',
  )
  const error = laneDied(create, URI, new Error('out of\nmemory'))
  expect(error).toMatchObject({ code: 'LAGO_LIBVIRT', message: /create the domain "ab-vm0": out of; memory$/ })
})

test('isLibvirtError tells one number from another, and from foreign errors', () => {
  const error = toLagoError(refused({ code: VIR_ERR_NO_DOMAIN }), URI, create)
  expect(isLibvirtError(error, VIR_ERR_NO_DOMAIN)).toBe(true)
  expect(isLibvirtError(error, VIR_ERR_SYSTEM_ERROR)).toBe(false)
  expect(isLibvirtError(new LagoError('LAGO_USAGE', 'x'), VIR_ERR_NO_DOMAIN)).toBe(false)
  expect(isLibvirtError(new Error('x'), VIR_ERR_NO_DOMAIN)).toBe(false)
})

test.each([
  { xml: '<network>\n  <name>a-net0</name>\n</network>', name: 'a-net0' },
  { xml: '<network/>', name: undefined },
])('the name in $xml is $name', ({ xml, name }) => {
  expect(nameInXml(xml)).toBe(name)
})

function failure(some: Partial<LibvirtFailure>): LibvirtFailure {
  return { call: 'virDomainCreateXML', code: VIR_ERR_SYSTEM_ERROR, domain: 10, message: 'no', ...some }
}

function refused(some: Partial<LibvirtFailure>): { kind: 'call' } & LibvirtFailure {
  return { kind: 'call', ...failure(some) }
}

function thrownBy(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    return String(error)
  }
  throw new Error('it did not throw')
}
