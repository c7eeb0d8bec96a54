/** What must and must not compile for those who write tests with Lago. Nothing here is run. */
import {
  init,
  isLagoError,
  loadEnv,
  type Env,
  type EventSink,
  type ExecResult,
  type LagoEvent,
} from '../../src/index.js'
import type { EnvironmentOptions } from '../../src/fixtures/environment.js'

export async function compiles(sink: EventSink, signal: AbortSignal): Promise<void> {
  await using env = await init({ initFile: 'LagoInitFile', workdir: '.lago', templateRepoPath: 'repo.json', signal })
  await using _text = await init({ spec: 'domains: {}', settings: { accel: 'tcg', jobs: 2, sshTimeoutMs: 5_000 } })
  await using _data = await init({ spec: { domains: { vm0: { memory: 64 } } }, events: sink })
  await using _quiet = await init({ events: (event: LagoEvent) => void event.at })
  await using _loaded = await loadEnv({ prefixPath: '/env/.lago/default' })
  await env.start()
  await env.start(['vm0'])
  const vm = env.vm('vm0')
  const result: ExecResult = await vm.exec(['ls', '-l'], { input: new Uint8Array(), timeoutMs: 1, reject: true })
  const printed: string = await vm.succeed(`echo ${result.exitCode}`)
  await vm.wait('unit:sshd.service', { timeoutMs: 1 })
  await env.wait('ssh', { vms: [vm.name] })
  await env.setMetadata({ revision: 'abc' })
  await env.setLinks('vm0:0', { down: true, rate: '10mbit' })
  await env.snapshot(printed, { diskOnly: true })
  const file: string = (await env.export({ compress: 'zstd' })).initFile
  await vm.copyTo(file, '/root/')
}

export const environment: EnvironmentOptions = { initFile: 'LagoInitFile', revert: 'each', ready: 'port:80' }

export async function doesNotCompile(env: Env): Promise<void> {
  // @ts-expect-error one init file, not two
  await init({ initFile: 'LagoInitFile', spec: 'domains: {}' })
  // @ts-expect-error data has domains
  await init({ spec: { nets: {} } })
  // @ts-expect-error an option that there is not
  await init({ timeout: 5 })
  // @ts-expect-error a word that there is not
  await init({ settings: { accel: 'fast' } })
  // @ts-expect-error the init file is for init
  await loadEnv({ initFile: 'LagoInitFile' })
  // @ts-expect-error a list of names
  await env.start('vm0')
  // @ts-expect-error a rung that there is not
  await env.wait('booted')
  // @ts-expect-error what succeed throws on is not to be chosen
  await env.vm('vm0').succeed('true', { reject: false })
  // @ts-expect-error the unit is in the name
  await env.vm('vm0').exec('true', { timeout: 5 })
  // @ts-expect-error nobody changes what was planned
  env.vm('vm0').ip = '10.0.0.1'
  // @ts-expect-error nor adds machines
  env.vms.set('vm1', env.vm('vm0'))
  // @ts-expect-error codes begin with LAGO_
  isLagoError(undefined, 'ENOENT')
}

// @ts-expect-error the fixture sees to the abort itself
export const withSignal: EnvironmentOptions = { initFile: 'LagoInitFile', signal: new AbortController().signal }
