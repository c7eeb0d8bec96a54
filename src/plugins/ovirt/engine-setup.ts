/** `ovirt engine-setup` and `ovirt add-iso`: programs in the guest of the engine. */
import path from 'node:path'
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import type { Env } from '../../index.js'
import { engineVm } from './roles.js'

const ANSWER_FILE = 'engine-answer-file'

export interface EngineSetupOptions {
  /** Answers to its questions; a path on this host. */
  readonly configPath: string | undefined
  readonly isTerminal: boolean
}

/** Runs it wired to our own standard streams. Throws `LAGO_ENGINE_SETUP` when it fails. */
export async function setupEngine(env: Env, { configPath, isTerminal }: EngineSetupOptions): Promise<void> {
  const vm = engineVm(env)
  await vm.waitForSsh()
  if (configPath !== undefined) await vm.copyTo(configPath, path.posix.join(await homeOf(env), ANSWER_FILE))
  const command = ['engine-setup', ...(configPath === undefined ? [] : [`--config-append=${ANSWER_FILE}`])]
  const exitCode = await vm.attach(command, { isTerminal })
  if (exitCode !== 0)
    throw new LagoError('LAGO_ENGINE_SETUP', `Failed to setup the engine: exit code ${exitCode} in ${vm.name}`, {
      hint: `its log is in ${vm.name}, below /var/log/ovirt-engine/setup`,
      data: { vm: vm.name, exitCode },
    })
}

/** Copies an image to the engine, which makes it known to its domain of images. Throws `LAGO_GUEST_COMMAND`. */
export async function addIso(task: Task, env: Env, isoPath: string): Promise<void> {
  const vm = engineVm(env)
  const guestPath = path.posix.join(await homeOf(env), path.basename(isoPath))
  try {
    await task.step(`Copy ${path.basename(isoPath)} to ${vm.name}`, async () => vm.copyTo(isoPath, guestPath))
    await task.step('Upload it', async () =>
      vm.succeed(['ovirt-iso-uploader', '--conf-file=/root/iso-uploader.conf', '--insecure', guestPath]),
    )
  } finally {
    await env.shielded(REMOVE_MS, async (env) => env.vm(vm.name).exec(['rm', '-f', guestPath]))
  }
}

const REMOVE_MS = 60_000

/** Where a login of ours begins. */
async function homeOf(env: Env): Promise<string> {
  return (await engineVm(env).succeed('pwd')).trim()
}
