import { afterEach, describe, expect, test } from '@jest/globals'
import { openLibvirt } from '../../src/libvirt/connection.js'
import type { DomainEvent, LibvirtConnection } from '../../src/libvirt/types.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { domainXml, TEST_URI } from './test-driver.js'

const { task } = recordedTask()
const opened: LibvirtConnection[] = []

afterEach(async () => {
  for (const libvirt of opened.splice(0)) await libvirt.close()
})

const connect = (uri = TEST_URI): LibvirtConnection => {
  const libvirt = openLibvirt({ uri })
  opened.push(libvirt)
  return libvirt
}

/** Events as they come, and a way to wait for one. */
function recorder(): {
  events: DomainEvent[]
  onEvent: (event: DomainEvent) => void
  seen: (event: string) => Promise<void>
} {
  const events: DomainEvent[] = []
  const waiting: { event: string; resolve: () => void }[] = []
  const has = (name: string): boolean => events.some((event) => event.type === 'lifecycle' && event.event === name)
  return {
    events,
    onEvent(event) {
      events.push(event)
      for (const { event, resolve } of waiting) if (has(event)) resolve()
    },
    seen: async (event) =>
      new Promise((resolve) => {
        if (has(event)) resolve()
        else waiting.push({ event, resolve })
      }),
  }
}

describe('watchDomains', () => {
  test('tells what happens to a domain that did not exist when it was asked', async () => {
    const libvirt = connect()
    const { events, onEvent, seen } = recorder()
    await using _watch = await libvirt.watchDomains(task, ['watched'], onEvent)
    await libvirt.createDomain(task, domainXml('another'))
    await libvirt.createDomain(task, domainXml('watched'))
    await libvirt.suspendDomain(task, 'watched')
    await libvirt.resumeDomain(task, 'watched')
    await libvirt.destroyDomain(task, 'watched')
    await seen('stopped')
    await libvirt.destroyDomain(task, 'another')
    const domain = 'watched'
    expect(events).toEqual([
      { type: 'lifecycle', domain, event: 'started', detail: 'booted' },
      { type: 'lifecycle', domain, event: 'suspended', detail: 'paused' },
      { type: 'lifecycle', domain, event: 'resumed', detail: 'unpaused' },
      { type: 'lifecycle', domain, event: 'stopped', detail: 'destroyed' },
    ])
  })

  test('is over when it is disposed of, while others go on', async () => {
    const libvirt = connect()
    const [ended, other] = [recorder(), recorder()]
    const watch = await libvirt.watchDomains(task, ['vm'], ended.onEvent)
    await using _other = await libvirt.watchDomains(task, ['vm'], other.onEvent)
    await watch[Symbol.asyncDispose]()
    await watch[Symbol.asyncDispose]()
    await libvirt.createDomain(task, domainXml('vm'))
    await other.seen('started')
    expect(ended.events).toEqual([])
    await libvirt.destroyDomain(task, 'vm')
  })

  test('works again after all connections were closed, and with them the thread', async () => {
    for (const round of [1, 2, 3]) {
      const libvirt = openLibvirt({ uri: TEST_URI })
      const { onEvent, seen } = recorder()
      await libvirt.watchDomains(task, [`round-${round}`], onEvent)
      await libvirt.createDomain(task, domainXml(`round-${round}`))
      await seen('started')
      await libvirt.close()
    }
  })

  test('says so when libvirt cannot be reached', async () => {
    const libvirt = connect('qemu+unix:///system?socket=/nowhere/sock')
    await expect(libvirt.watchDomains(task, ['vm'], () => undefined)).rejects.toMatchObject({
      code: 'LAGO_LIBVIRT_CONNECT',
    })
  })

  test('an aborted task starts nothing, and one aborted on the way leaves nothing', async () => {
    const libvirt = connect()
    const before = recordedTask()
    before.abort(new Error('enough'))
    await expect(libvirt.watchDomains(before.task, ['vm'], () => undefined)).rejects.toThrow('enough')
    const during = recordedTask()
    const { events, onEvent } = recorder()
    const asked = libvirt.watchDomains(during.task, ['vm'], onEvent)
    during.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    const { onEvent: onOther, seen } = recorder()
    await using _watch = await libvirt.watchDomains(task, ['vm'], onOther)
    await libvirt.createDomain(task, domainXml('vm'))
    await seen('started')
    expect(events).toEqual([])
    await libvirt.destroyDomain(task, 'vm')
  })

  test('cannot be asked of a closed connection', async () => {
    const libvirt = connect()
    await libvirt.close()
    await expect(libvirt.watchDomains(task, ['vm'], () => undefined)).rejects.toThrow('closed')
  })
})

test('a driver without consoles says so', async () => {
  const libvirt = connect()
  await expect(libvirt.openConsole(task, 'test')).rejects.toMatchObject({
    code: 'LAGO_LIBVIRT',
    data: { object: 'test' },
  })
  await expect(libvirt.openConsole(task, 'nobody')).rejects.toMatchObject({ data: { libvirtCode: 42 } })
})
