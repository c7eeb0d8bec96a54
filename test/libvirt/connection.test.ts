import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { LagoError } from '../../src/base/errors.js'
import { openLibvirt } from '../../src/libvirt/connection.js'
import { VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_FAILED, VIR_ERR_XML_DETAIL } from '../../src/libvirt/constants.js'
import { isLibvirtError } from '../../src/libvirt/errors.js'
import type { LibvirtConnection } from '../../src/libvirt/types.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'
import { domainXml, networkXml, TEST_URI } from './test-driver.js'

const { task } = recordedTask()
const tempDir = useTempDirs()
let libvirt: LibvirtConnection

beforeEach(() => {
  libvirt = openLibvirt({ uri: TEST_URI })
})

afterEach(async () => {
  await libvirt.close()
})

describe('domains', () => {
  test('a created domain runs until it is destroyed', async () => {
    await libvirt.createDomain(task, domainXml('vm0'))
    const infos = await libvirt.domainInfos(task, ['vm0'])
    expect(infos.get('vm0')).toMatchObject({ state: 'running', vcpus: 2 })
    expect(infos.get('vm0')?.cpuTimeMs).toBeGreaterThanOrEqual(0)
    expect(await libvirt.domainXml(task, 'vm0')).toContain('<name>vm0</name>')
    expect(await libvirt.destroyDomain(task, 'vm0')).toBe(true)
    expect(await libvirt.domainInfos(task, ['vm0'])).toEqual(new Map())
  })

  test('domainInfos answers for the names that exist and leaves the others out', async () => {
    await libvirt.createDomain(task, domainXml('here'))
    const infos = await libvirt.domainInfos(task, ['gone', 'here', 'gone too'])
    expect([...infos.keys()]).toEqual(['here'])
  })

  test('allDomains and allNetworks describe everything, whoever made it', async () => {
    const names = async (): Promise<string[][]> => {
      const [domains, networks] = [await libvirt.allDomains(task), await libvirt.allNetworks(task)]
      for (const [name, { xml }] of [...domains, ...networks]) expect(xml).toContain(`<name>${name}</name>`)
      return [[...domains.keys()], [...networks.keys()]]
    }
    await libvirt.createDomain(task, domainXml('vm15'))
    await libvirt.createNetwork(task, networkXml('net15'))
    expect(await names()).toEqual([expect.arrayContaining(['vm15']), expect.arrayContaining(['net15'])])
    await libvirt.destroyDomain(task, 'vm15')
    await libvirt.destroyNetwork(task, 'net15')
    const [domains = [], networks = []] = await names()
    expect(domains).not.toContain('vm15')
    expect(networks).not.toContain('net15')
  })

  test('a libvirt that has nothing has nothing to list', async () => {
    const file = path.join(await tempDir(), 'node.xml')
    await writeFile(file, '<node/>')
    const empty = openLibvirt({ uri: `test://${file}` })
    expect([...(await empty.allDomains(task)), ...(await empty.allNetworks(task))]).toEqual([])
    await empty.close()
  })

  test('a domain is suspended and resumed', async () => {
    const state = async (): Promise<string | undefined> =>
      (await libvirt.domainInfos(task, ['vm11'])).get('vm11')?.state
    await libvirt.createDomain(task, domainXml('vm11'))
    await libvirt.suspendDomain(task, 'vm11')
    expect(await state()).toBe('paused')
    await libvirt.resumeDomain(task, 'vm11')
    expect(await state()).toBe('running')
  })

  test('a saved domain does not run any more; the test driver restores it only as it was', async () => {
    const filePath = path.join(await tempDir(), 'memory')
    await libvirt.createDomain(task, domainXml('vm12'))
    const xml = await libvirt.domainXml(task, 'vm12', 'restorable')
    await libvirt.saveDomain(task, 'vm12', filePath)
    expect((await libvirt.domainInfos(task, ['vm12'])).get('vm12')?.state).not.toBe('running')
    const error = await failureOf(libvirt.restoreDomain(task, { name: 'vm12', filePath, xml }))
    expect(error.data).toMatchObject({ call: 'virDomainRestoreFlags', object: 'vm12' })
  })

  test('a domain that was asked to shut down is gone; the test driver obeys at once', async () => {
    await libvirt.createDomain(task, domainXml('vm13'))
    await libvirt.shutdownDomain(task, 'vm13', 'off')
    expect((await libvirt.domainInfos(task, ['vm13'])).get('vm13')?.state).not.toBe('running')
  })

  test('what the driver cannot do is an error that names the call', async () => {
    await libvirt.createDomain(task, domainXml('vm14'))
    const error = await failureOf(libvirt.monitorCommand(task, 'vm14', { execute: 'query-status' }))
    expect(error).toMatchObject({ code: 'LAGO_LIBVIRT', data: { call: 'virDomainQemuMonitorCommand', object: 'vm14' } })
  })

  test('an interface is limited both ways, and let go again; the test driver changes no other device', async () => {
    const mac = '54:52:c0:a8:c8:02'
    const nic = `<interface type='network'><mac address='${mac}'/><source network='default'/></interface>`
    const withNic = domainXml('vm15').replace('</domain>', `<devices>${nic}</devices></domain>`)
    await libvirt.createDomain(task, withNic)
    await libvirt.limitInterface(task, 'vm15', mac, 1250)
    const limited = /<inbound average='1250'\/>\s*<outbound average='1250'\/>/
    expect(await libvirt.domainXml(task, 'vm15')).toMatch(limited)
    await libvirt.limitInterface(task, 'vm15', mac, 0)
    expect(await libvirt.domainXml(task, 'vm15')).not.toContain('bound')
    const refused = await failureOf(libvirt.limitInterface(task, 'vm15', '00:00:00:00:00:01', 1))
    expect(refused.data).toMatchObject({ call: 'virDomainSetInterfaceParameters', object: 'vm15' })
    const error = await failureOf(libvirt.updateDevice(task, 'vm15', nic))
    expect(error.data).toMatchObject({ call: 'virDomainUpdateDeviceFlags', object: 'vm15' })
  })

  test('destroyDomain says false for a name that libvirt does not know', async () => {
    expect(await libvirt.destroyDomain(task, 'nobody')).toBe(false)
  })

  test('the XML of an unknown domain is an error with call, number and name', async () => {
    const error = await failureOf(libvirt.domainXml(task, 'nobody'))
    expect(isLibvirtError(error, VIR_ERR_NO_DOMAIN)).toBe(true)
    expect(error.code).toBe('LAGO_LIBVIRT')
    expect(error.data).toMatchObject({
      call: 'virDomainLookupByName',
      libvirtCode: 42,
      object: 'nobody',
      uri: TEST_URI,
    })
    expect(error.message).toContain('"nobody"')
  })

  test('a name that is taken is refused with a hint', async () => {
    await libvirt.createDomain(task, domainXml('vm0'))
    const error = await failureOf(libvirt.createDomain(task, domainXml('vm0')))
    expect(error.code).toBe('LAGO_LIBVIRT')
    expect(error.data).toMatchObject({ call: 'virDomainCreateXML', object: 'vm0' })
    expect(error.hint).toContain('in use')
  })

  test('text that is not XML is refused in one line', async () => {
    const error = await failureOf(libvirt.createDomain(task, '<domain'))
    expect(isLibvirtError(error, VIR_ERR_XML_DETAIL)).toBe(true)
    expect(error.message).not.toContain('\n')
  })

  test('text beyond ASCII passes both ways', async () => {
    await libvirt.createDomain(task, domainXml('bücher-日本'))
    expect(await libvirt.domainXml(task, 'bücher-日本')).toContain('<name>bücher-日本</name>')
  })
})

describe('networks', () => {
  test('a created network is active until it is destroyed', async () => {
    await libvirt.createNetwork(task, networkXml('net0'))
    expect(await libvirt.activeNetworks(task, ['net0', 'net1'])).toEqual(
      new Map([['net0', expect.stringContaining('<name>net0</name>')]]),
    )
    expect(await libvirt.destroyNetwork(task, 'net0')).toBe(true)
    expect(await libvirt.activeNetworks(task, ['net0'])).toEqual(new Map())
    expect(await libvirt.destroyNetwork(task, 'net0')).toBe(false)
  })

  test('a network without a name is refused', async () => {
    const error = await failureOf(libvirt.createNetwork(task, '<network/>'))
    expect(error.code).toBe('LAGO_LIBVIRT')
    expect(error.data).toMatchObject({ call: 'virNetworkCreateXML' })
  })
})

test('capabilities are XML', async () => {
  expect(await libvirt.capabilities(task)).toMatch(/^<capabilities>/)
})

test('200 calls at once, half of them failing in three ways, are each answered with their own result', async () => {
  await libvirt.createDomain(task, domainXml('taken'))
  const calls = Array.from({ length: 200 }, (_, index) => {
    if (index % 4 === 0) return codeOf(libvirt.domainXml(task, `missing-${index}`), `missing-${index}`)
    if (index % 4 === 1) return codeOf(libvirt.createDomain(task, domainXml('taken')), 'taken')
    if (index % 4 === 2) return codeOf(libvirt.createDomain(task, domainXml(`vm-${index}`)))
    return codeOf(libvirt.createDomain(task, '<domain'))
  })
  const expected = calls.map((_, index) =>
    [VIR_ERR_NO_DOMAIN, VIR_ERR_OPERATION_FAILED, undefined, VIR_ERR_XML_DETAIL].at(index % 4),
  )
  expect(await Promise.all(calls)).toEqual(expected)
})

describe('connections', () => {
  test('two connections see the same objects and close on their own', async () => {
    const other = openLibvirt({ uri: TEST_URI })
    await libvirt.createDomain(task, domainXml('shared'))
    expect([...(await other.domainInfos(task, ['shared'])).keys()]).toEqual(['shared'])
    await other.close()
    expect([...(await libvirt.domainInfos(task, ['shared'])).keys()]).toEqual(['shared'])
  })

  test('close may be called twice, and nothing can be asked after it', async () => {
    await libvirt.capabilities(task)
    await Promise.all([libvirt.close(), libvirt.close()])
    await libvirt.close()
    await expect(libvirt.capabilities(task)).rejects.toThrow('the libvirt connection is closed')
  })

  test('close without a call before it, and after a warm-up, ends', async () => {
    await openLibvirt({ uri: TEST_URI }).close()
    const warm = openLibvirt({ uri: TEST_URI })
    warm.warmUp()
    await warm.close()
  })

  test('close waits for the call in progress', async () => {
    await libvirt.capabilities(task)
    const created = libvirt.createDomain(task, domainXml('late'))
    const closed = libvirt.close()
    await expect(created).resolves.toBeUndefined()
    await closed
  })

  test.each([
    { uri: 'test:///no/such/file.xml', hint: 'is the daemon running' },
    { uri: 'qemu+unix:///system?socket=/no/such/socket', hint: 'is the daemon running' },
  ])('$uri cannot be opened, each time with the same error', async ({ uri, hint }) => {
    await using broken = openLibvirt({ uri })
    const first = await failureOf(broken.capabilities(task))
    expect(first.code).toBe('LAGO_LIBVIRT_CONNECT')
    expect(first.data).toMatchObject({ call: 'virConnectOpenAuth', uri })
    expect(first.hint).toContain(hint)
    const second = await failureOf(broken.capabilities(task))
    expect(second.message).toBe(first.message)
  })
})

async function failureOf(call: Promise<unknown>): Promise<LagoError> {
  const error: unknown = await call.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (error instanceof LagoError) return error
  throw error
}

/** libvirt's error number, undefined for success; passes on an error that is about another object. */
async function codeOf(call: Promise<unknown>, object?: string): Promise<unknown> {
  try {
    await call
    return undefined
  } catch (error) {
    if (!(error instanceof LagoError) || error.data['object'] !== object) throw error
    return error.data['libvirtCode']
  }
}
