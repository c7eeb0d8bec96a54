/** Long commands of qemu's monitor: begun by one command, asked after, dismissed at the end (QEMU 6.0, jobs.json). */
import { randomUUID } from 'node:crypto'
import { LagoError, NO_SPACE_HINT } from '../../../base/errors.js'
import type { Task } from '../../../base/task.js'
import { waitUntil, type Probe } from '../../../base/wait.js'
import type { LibvirtConnection } from '../../../libvirt/types.js'
import { toItsEnd } from './to-its-end.js'

export type Monitor = Pick<LibvirtConnection, 'monitorCommand'>

const ASK_EVERY_MS = 10
const LIMIT_MS = 600_000

interface JobInfo {
  readonly id: string
  readonly status: string
  readonly error?: string
}

/** Runs `command` as a job to its end, which cannot be called back. Throws `LAGO_QEMU` when it fails. */
export async function runQemuJob(
  task: Task,
  monitor: Monitor,
  domain: string,
  command: { readonly execute: string; readonly arguments: Readonly<Record<string, unknown>> },
): Promise<void> {
  const id = `lago-${randomUUID()}`
  await toItsEnd(task, async (task) => {
    await monitor.monitorCommand(task, domain, {
      execute: command.execute,
      arguments: { 'job-id': id, ...command.arguments },
    })
    const job = await waitUntil(task, `${command.execute} of ${domain}`, async (task) => look(task, id), {
      timeoutMs: LIMIT_MS,
      everyMs: ASK_EVERY_MS,
    })
    await monitor.monitorCommand(task, domain, { execute: 'job-dismiss', arguments: { id } })
    if (job.error !== undefined) throw jobFailed(domain, command.execute, job.error)
  })

  async function look(task: Task, id: string): Promise<Probe<JobInfo>> {
    const jobs = (await monitor.monitorCommand(task, domain, { execute: 'query-jobs' })) as readonly JobInfo[] // qapi
    const job = jobs.find((job) => job.id === id)
    if (job === undefined) return { notYet: 'the job is not there' }
    return job.status === 'concluded' ? { value: job } : { notYet: job.status }
  }
}

function jobFailed(domain: string, command: string, said: string): LagoError {
  const isFull = /no space left on device/i.test(said)
  return new LagoError(isFull ? 'LAGO_NO_SPACE' : 'LAGO_QEMU', `${command} on ${domain} failed: ${said}`, {
    hint: isFull ? NO_SPACE_HINT : undefined,
    data: { domain, command, answer: said },
  })
}

interface BlockInfo {
  readonly inserted?: { readonly file: string; readonly 'node-name': string }
}

/** qemu's names for the images that are open on top of each drive, by path. */
export async function imageNodes(task: Task, monitor: Monitor, domain: string): Promise<ReadonlyMap<string, string>> {
  const blocks = (await monitor.monitorCommand(task, domain, { execute: 'query-block' })) as readonly BlockInfo[] // qapi
  const inserted = blocks.flatMap((block) => (block.inserted === undefined ? [] : [block.inserted]))
  return new Map(inserted.map((image) => [pathOf(image.file), image['node-name']]))
}

/** qemu tells an image by options, as `json:{...}`, when its file name alone would not say how it was opened. */
function pathOf(file: string): string {
  if (!file.startsWith('json:')) return file
  const options = JSON.parse(file.slice('json:'.length)) as ImageOptions // qapi: BlockdevOptions
  return options.file?.filename ?? options.filename ?? file
}

interface ImageOptions {
  readonly filename?: string
  readonly file?: { readonly filename?: string }
}
