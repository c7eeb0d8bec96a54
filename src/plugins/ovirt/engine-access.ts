/** From the environment to its engine's API: where it is, who we are, and how it is known to be the one. */
import path from 'node:path'
import { LagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { connectEngine } from '../../engine/client.js'
import type { Engine, EngineOptions, Trust } from '../../engine/types.js'
import type { CommandContext, Env } from '../../index.js'
import { engineVm } from './roles.js'

/** What oVirt calls the administrator whom engine-setup makes. */
const USER = 'admin@internal'
/** Of the answer files of oVirt's suites (spec 7.1). */
const DEFAULT_PASSWORD = '123'

/** For verbs that do not wait for an engine to come up. */
export const CONNECT_MS = 60_000

/**
 * Metadata of the engine's VM say the password (`ovirt-engine-password`), and where its pages are when that is not
 * `https://ADDRESS/ovirt-engine` (`ovirt-engine-url`).
 * Throws `LAGO_NO_ENGINE`, `LAGO_TWO_ENGINES`, `LAGO_ENGINE_UNREACHABLE` for an engine without a known address,
 * `LAGO_ENGINE_URL` for what can be none of an engine.
 */
export function engineAccess(env: Env, { args, cwd }: Pick<CommandContext, 'args' | 'cwd'>): EngineOptions {
  const { name, ip, metadata } = engineVm(env)
  const given = textOf(metadata['ovirt-engine-url'])
  if (given !== undefined) requireEngineUrl(name, given)
  const url = given ?? (ip === undefined ? undefined : `https://${ip}/ovirt-engine`)
  if (url === undefined)
    throw new LagoError('LAGO_ENGINE_UNREACHABLE', `the address of ${name} is not known: it is on a bridge`, {
      hint: 'give metadata.ovirt-engine-url to the engine in the init file',
    })
  return {
    url: url.replace(/\/+$/, ''),
    user: USER,
    password: textOf(metadata['ovirt-engine-password']) ?? DEFAULT_PASSWORD,
    trust: trustOf(env, args.one('ca-file'), { isInsecure: args.flag('insecure'), cwd }),
  }
}

/** What is no address for our requests would be taken for an engine that is not up yet, and waited for. */
function requireEngineUrl(vm: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.search === '' && url.hash === '') return
  throw new LagoError('LAGO_ENGINE_URL', `the ovirt-engine-url of ${vm} is no https URL of an engine: ${text}`, {
    hint: 'such as https://engine.example/ovirt-engine, in the metadata of the VM in the init file',
    data: { vm, url: text },
  })
}

function trustOf(
  { prefixDir }: Env,
  caFile: string | undefined,
  { isInsecure, cwd }: { readonly isInsecure: boolean; readonly cwd: string },
): Trust {
  if (isInsecure && caFile !== undefined)
    throw new LagoError('LAGO_USAGE', 'with --insecure there is no use for --ca-file', { hint: 'give one of them' })
  if (isInsecure) return { kind: 'insecure' }
  if (caFile !== undefined) return { kind: 'ca-file', caPath: path.resolve(cwd, caFile) }
  return { kind: 'pinned', caPath: path.join(prefixDir, 'virt', 'engine-ca.pem') }
}

/** Init files have numbers where nobody quoted them. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** Gives `work` a session with the engine and ends that afterwards. Throws as `connectEngine`. */
export async function withEngine<T>(
  task: Task,
  access: EngineOptions,
  work: (engine: Engine) => Promise<T>,
  timeoutMs: number = CONNECT_MS,
): Promise<T> {
  await using engine = await task.step('Connect to the engine', async (task) => connectEngine(task, access, timeoutMs))
  return await work(engine)
}
