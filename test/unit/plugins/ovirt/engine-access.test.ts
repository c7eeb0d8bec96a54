import { describe, expect, test } from '@jest/globals'
import { LagoError } from '../../../../src/base/errors.js'
import type { Env, ParsedArgs, Vm } from '../../../../src/index.js'
import { engineAccess } from '../../../../src/plugins/ovirt/engine-access.js'
import { vmsTimeoutMsOf } from '../../../../src/plugins/ovirt/engine-options.js'
import { addIso, setupEngine } from '../../../../src/plugins/ovirt/engine-setup.js'
import { engineStatus, webInterface } from '../../../../src/plugins/ovirt/engine-status.js'
import { fakeEnv } from '../../../helpers/engine/fake-env.js'
import { useEngines } from '../../../helpers/engine/use-engine.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const engines = useEngines()

function envOf(engine: Partial<Vm>): Env {
  const vm = { name: 'engine', ip: '192.168.200.2', metadata: {}, spec: { 'vm-type': 'ovirt-engine' }, ...engine }
  return { prefixDir: '/p', vms: new Map([['engine', vm]]) } as unknown as Env // nothing else is asked
}

function given(values: { readonly caFile?: string; readonly insecure?: boolean; readonly vms?: number }): {
  readonly args: ParsedArgs
  readonly cwd: string
} {
  const args: Partial<ParsedArgs> = {
    one: (name) => (name === 'ca-file' ? values.caFile : undefined),
    flag: (name) => name === 'insecure' && values.insecure === true,
    int: () => values.vms,
  }
  return { args: args as ParsedArgs, cwd: '/cwd' } // these are all that are asked
}

describe('access to the engine', () => {
  test('is by its address, its usual password, and the authority that is kept in the prefix', () => {
    expect(engineAccess(envOf({}), given({}))).toEqual({
      url: 'https://192.168.200.2/ovirt-engine',
      user: 'admin@internal',
      password: '123',
      trust: { kind: 'pinned', caPath: '/p/virt/engine-ca.pem' },
    })
  })

  test.each([
    ['secret', 'secret'],
    [4567, '4567'],
  ])('is with the password of the init file: %s', (password, expected) => {
    const metadata = { 'ovirt-engine-password': password }
    expect(engineAccess(envOf({ metadata }), given({})).password).toBe(expected)
  })

  test('is at the URL of the init file, also without a known address', () => {
    const metadata = { 'ovirt-engine-url': 'https://gw:8443/ovirt-engine/' }
    expect(engineAccess(envOf({ ip: undefined, metadata }), given({})).url).toBe('https://gw:8443/ovirt-engine')
    expect(() => engineAccess(envOf({ ip: undefined }), given({}))).toThrow(
      expect.objectContaining({
        code: 'LAGO_ENGINE_UNREACHABLE',
        hint: expect.stringContaining('ovirt-engine-url'),
      }),
    )
  })

  test.each(['http://gw/ovirt-engine', 'http//gw', 'gw', 'https://gw/ovirt-engine?x', 'file:///etc'])(
    'is not at %s, and that is said at once',
    (url) => {
      expect(() => engineAccess(envOf({ metadata: { 'ovirt-engine-url': url } }), given({}))).toThrow(
        expect.objectContaining({
          code: 'LAGO_ENGINE_URL',
          message: `the ovirt-engine-url of engine is no https URL of an engine: ${url}`,
        }),
      )
    },
  )

  test('is by a file of the user, or without any check', () => {
    const trustBy = (values: Parameters<typeof given>[0]): unknown => engineAccess(envOf({}), given(values)).trust
    expect(trustBy({ caFile: 'ca.pem' })).toEqual({ kind: 'ca-file', caPath: '/cwd/ca.pem' })
    expect(trustBy({ insecure: true })).toEqual({ kind: 'insecure' })
    expect(() => trustBy({ caFile: 'ca.pem', insecure: true })).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
  })
})

test('the limit for VMs is in seconds', () => {
  expect(vmsTimeoutMsOf(given({}).args)).toBe(480_000)
  expect(vmsTimeoutMsOf(given({ vms: 5 }).args)).toBe(5000)
  expect(() => vmsTimeoutMsOf(given({ vms: 0 }).args)).toThrow(expect.objectContaining({ code: 'LAGO_USAGE' }))
})

test('status is what suites look for; the password is in it, and in no log', async () => {
  const { task, messages } = recordedTask()
  const standIn = await engines.start({ password: 'very secret' })
  const { env } = fakeEnv(standIn, { metadata: { 'ovirt-engine-password': 'very secret' } })
  const access = engineAccess(env, given({ insecure: true }))
  expect(await engineStatus(task, env, access)).toEqual({
    global: {
      version: '4.3.10.4-1.el7',
      web_ui: { url: '127.0.0.1', username: 'admin@internal', password: 'very secret' },
    },
    items: {
      hosts: { total: 2, active: 2 },
      storage_domains: { total: 3, active: 3 },
      users: { total: 1, active: 1 },
      vms: { total: 1, active: 0 },
    },
  })
  expect(webInterface(access).url).toBe(standIn.url.replace('/ovirt-engine', ''))
  expect(messages().join('\n')).not.toContain('very secret')
})

describe('engine-setup', () => {
  const setup = async (exitCode: number, configPath?: string): Promise<string[]> => {
    const standIn = await engines.start()
    const { env, calls } = fakeEnv(standIn)
    const attach: Vm['attach'] = async (command, options) => {
      calls.push(`attach ${String(command)} ${JSON.stringify(options)}`)
      return exitCode
    }
    Object.assign(env.vm('engine'), { attach })
    await setupEngine(env, { configPath, isTerminal: true })
    return calls
  }

  test('talks with the user', async () => {
    expect(await setup(0)).toEqual(['engine ssh', 'attach engine-setup {"isTerminal":true}'])
  })

  test('is given answers', async () => {
    expect(await setup(0, '/host/answers.conf')).toEqual([
      'engine ssh',
      'engine copy /host/answers.conf /root/engine-answer-file',
      'attach engine-setup,--config-append=engine-answer-file {"isTerminal":true}',
    ])
  })

  test('may fail', async () => {
    await expect(setup(3)).rejects.toMatchObject({
      code: 'LAGO_ENGINE_SETUP',
      message: 'Failed to setup the engine: exit code 3 in engine',
    })
  })
})

describe('an image', () => {
  const UPLOAD = 'engine ovirt-iso-uploader --conf-file=/root/iso-uploader.conf --insecure /root/a b.iso'

  test('is copied, uploaded and removed', async () => {
    const { env, calls } = fakeEnv(await engines.start())
    await addIso(recordedTask().task, env, '/host/a b.iso')
    expect(calls).toEqual(['engine copy /host/a b.iso /root/a b.iso', UPLOAD, 'engine rm -f /root/a b.iso'])
  })

  test('is removed, too, when it cannot be uploaded', async () => {
    const { env, calls, on } = fakeEnv(await engines.start())
    on(UPLOAD, () => {
      throw new LagoError('LAGO_GUEST_COMMAND', 'no such domain')
    })
    await expect(addIso(recordedTask().task, env, '/host/a b.iso')).rejects.toMatchObject({
      code: 'LAGO_GUEST_COMMAND',
    })
    expect(calls.at(-1)).toBe('engine rm -f /root/a b.iso')
  })
})
