/** What the fixtures of all test frameworks do, on libvirt's own test driver: in order, and when something fails. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { waitUntil, type Probe } from '../../src/base/wait.js'
import { declareEnvironment, type EndedTest, type EnvironmentOptions } from '../../src/fixtures/environment.js'
import type { Env } from '../../src/index.js'
import { TWO_EMPTY_VMS } from '../helpers/lago-project.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const makeTempDir = useTempDirs()

interface Declared {
  readonly dir: string
  readonly env: Env
  readonly limits: Readonly<Record<'beforeAll' | 'afterEach' | 'afterAll', number>>
  beforeAll(): Promise<void>
  afterEach(test: EndedTest): Promise<void>
  afterAll(): Promise<void>
}

/** The hooks of a framework that does nothing by itself. */
async function declared(more: Partial<EnvironmentOptions> = {}): Promise<Declared> {
  const dir = await makeTempDir()
  const hooks = new Map<string, { readonly run: (test: EndedTest) => Promise<void>; readonly timeoutMs: number }>()
  const env = declareEnvironment(
    {
      beforeAll: (run, timeoutMs) => hooks.set('beforeAll', { run, timeoutMs }),
      afterEach: (run, timeoutMs) => hooks.set('afterEach', { run, timeoutMs }),
      afterAll: (run, timeoutMs) => hooks.set('afterAll', { run, timeoutMs }),
      testFile: () => '/some/where/web.test.ts',
    },
    {
      cwd: dir,
      env: { HOME: dir },
      settings: { libvirtUrl: 'test:///default', leaseDir: 'subnets' },
      workdir: path.join(dir, 'env'),
      spec: TWO_EMPTY_VMS,
      ready: 'running',
      ...more,
    } as EnvironmentOptions, // a test may give initFile instead of spec
  )
  const run = async (name: string, test: EndedTest = { name: '', failed: false }): Promise<void> => {
    await hooks.get(name)?.run(test)
  }
  const limitOf = (name: string): number => hooks.get(name)?.timeoutMs ?? 0
  return {
    dir,
    env,
    limits: { beforeAll: limitOf('beforeAll'), afterEach: limitOf('afterEach'), afterAll: limitOf('afterAll') },
    beforeAll: async () => run('beforeAll'),
    afterEach: async (test) => run('afterEach', test),
    afterAll: async () => run('afterAll'),
  }
}

test('the environment is there between the first hook and the last, and nothing is left of it', async () => {
  const { dir, env, ...hooks } = await declared()
  expect(() => env.vms).toThrow('the environment is there from beforeAll to afterAll: vms')
  await hooks.beforeAll()
  const { prefixDir } = env
  expect(await env.vm('vm1').state()).toBe('running')
  await hooks.afterEach({ name: 'passes', failed: false })
  await hooks.afterAll()
  expect(() => env.vms).toThrow('the environment is there from beforeAll to afterAll: vms')
  expect(existsSync(prefixDir)).toBe(false)
  expect(await readdir(dir)).toEqual(['subnets'])
  expect(await readdir(path.join(dir, 'subnets'))).toEqual(['environments', 'subnet-lease.lock'])
})

test('of a failed test the log, the consoles and the artifacts are kept, by file and test', async () => {
  const { dir, ...hooks } = await declared({ vms: ['vm0'], logFile: 'own.log' })
  await hooks.beforeAll()
  await hooks.afterEach({ name: 'serves: ../pages & more', failed: true })
  await hooks.afterAll()
  const kept = path.join(dir, 'lago-results', 'web.test', 'serves-..-pages-more')
  expect(await readdir(kept)).toEqual(expect.arrayContaining(['artifacts', 'console-vm0.log', 'lago.log']))
  expect(await readFile(path.join(kept, 'lago.log'), 'utf8')).toContain('Start specified VMs')
  expect(await readdir(dir)).toEqual(['lago-results', 'own.log', 'subnets'])
})

test('a set-up that fails gives its error, keeps the log, and leaves nothing running', async () => {
  const wrong = new Error('not what was wanted')
  let prefixDir = ''
  const { dir, env, ...hooks } = await declared({
    prepare: async (env) => {
      prefixDir = env.prefixDir
      throw wrong
    },
  })
  await expect(hooks.beforeAll()).rejects.toBe(wrong)
  expect(existsSync(prefixDir)).toBe(false)
  expect(await readdir(path.join(dir, 'lago-results', 'web.test', 'set-up'))).toContain('lago.log')
  await hooks.afterEach({ name: 'never ran', failed: true })
  await hooks.afterAll()
  expect(await readdir(dir)).toEqual(['lago-results', 'subnets'])
  expect(() => env.uuid).toThrow('the environment is there')
})

test('an init file that is wrong keeps the log of the attempt', async () => {
  const { dir, ...hooks } = await declared({ spec: undefined, initFile: 'missing' })
  await expect(hooks.beforeAll()).rejects.toMatchObject({ code: 'LAGO_SPEC_NO_FILE' })
  expect(await readdir(dir)).toEqual(['lago-results'])
})

test('a set-up that takes too long ends by itself, before the framework would end it', async () => {
  const { dir, limits, ...hooks } = await declared({
    setupTimeoutMs: 5_000,
    prepare: async () => new Promise(() => undefined),
  })
  expect(limits.beforeAll).toBeGreaterThan(5_000)
  await expect(hooks.beforeAll()).rejects.toMatchObject({
    code: 'LAGO_TIMEOUT',
    message: 'the set-up of the environment did not end within 5 s',
  })
  expect((await readdir(dir)).filter((name) => name !== 'subnets')).toEqual(['lago-results'])
})

test('a snapshot that cannot be taken is a failed set-up', async () => {
  const { dir, ...hooks } = await declared({ revert: 'each' })
  await expect(hooks.beforeAll()).rejects.toMatchObject({ code: expect.stringMatching(/^LAGO_/) })
  expect(await readdir(dir)).toEqual(['lago-results', 'subnets'])
})

describe('a runner that is killed', () => {
  /** A runner of its own, in which an environment is up; resolves with what is to go. */
  async function runnerIn(dir: string, leaseDir: string): Promise<{ runner: ChildProcess; prefixDir: string }> {
    const fixtures = new URL('../../src/fixtures/environment.js', import.meta.url).href
    const options = {
      cwd: dir,
      env: { HOME: dir },
      settings: { libvirtUrl: 'test:///default', leaseDir },
      spec: TWO_EMPTY_VMS,
      ready: 'running',
    }
    const script = `
      const { declareEnvironment } = await import(${JSON.stringify(fixtures)})
      let begin
      const hooks = { beforeAll: (run) => (begin = run), afterEach() {}, afterAll() {}, testFile: () => 'web.test.js' }
      const env = declareEnvironment(hooks, ${JSON.stringify(options)})
      await begin()
      console.log(env.prefixDir)
      setInterval(() => undefined, 1000)`
    const runner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'], TMPDIR: dir },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    while (!out.includes('\n')) out += String(await once(runner.stdout, 'data'))
    return { runner, prefixDir: out.trim() }
  }

  const look = async (what: string, found: () => Promise<boolean> | boolean): Promise<void> => {
    const probe = async (): Promise<Probe<true>> => ((await found()) ? { value: true } : { notYet: 'not so' })
    await waitUntil(recordedTask().task, what, probe, { timeoutMs: 60_000, everyMs: 50 })
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('by %s leaves nothing', async (signal) => {
    const dir = await makeTempDir()
    const { runner, prefixDir } = await runnerIn(dir, 'subnets')
    expect(existsSync(prefixDir)).toBe(true)
    runner.kill(signal)
    await look('the end of the environment', async () => (await readdir(dir)).length === 1)
    expect(await readdir(dir)).toEqual(['subnets'])
    expect(await readdir(path.join(dir, 'subnets'))).toEqual(['environments', 'subnet-lease.lock'])
  })

  test('leaves word of what could not be destroyed, and how to', async () => {
    const dir = await makeTempDir()
    const { runner, prefixDir } = await runnerIn(dir, 'subnets')
    await writeFile(path.join(prefixDir, 'virt', 'env'), 'no plan')
    runner.kill()
    const notePath = path.join(dir, 'lago-results', 'web.test', 'not-destroyed.txt')
    await look('the note', async () => (await readFile(notePath, 'utf8').catch(() => '')).endsWith('\n'))
    expect(await readFile(notePath, 'utf8')).toContain(
      `lago --workdir-path ${path.dirname(prefixDir)} --prefix-name default destroy --yes\n`,
    )
    expect(existsSync(prefixDir)).toBe(true)
  })
})
