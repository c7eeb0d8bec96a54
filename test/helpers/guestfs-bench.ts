/** A host that has nothing but stand-ins for libguestfs's tools, and a disk for them. */
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach } from '@jest/globals'
import { waitUntil, type Probe } from '../../src/base/wait.js'
import { installGuestfsTools, type FakeGuestfs, type GuestfsRun, type GuestfsTools } from './guestfs-tool.js'
import { recordedTask, type RecordedTask } from './recorded-task.js'
import { useTempDirs } from './temp-dir.js'

export interface GuestfsBench extends RecordedTask, Pick<GuestfsTools, 'runs'> {
  readonly dir: string
  readonly disk: { readonly path: string; readonly format: 'qcow2'; readonly rootPartition: undefined }
  /** Of the files that the tools were shown, and of the directories for their own, those that are still there. */
  left(): Promise<string[]>
  /** Of a tool that hangs, as soon as it does. */
  pid(): Promise<number>
}

/**
 * Call at the top of a test file. `others`: programs that are on the host beside the tools. Whether setpriv(1), which
 * ends a tool with us, is among them is looked up once in a process: it cannot change within a test file.
 */
export function useGuestfsBench(
  others: readonly string[],
): (fake?: FakeGuestfs | 'not installed') => Promise<GuestfsBench> {
  const makeTempDir = useTempDirs()
  const { PATH = '' } = process.env
  afterEach(() => {
    process.env['PATH'] = PATH
  })
  return async (fake = {}) => {
    const dir = await makeTempDir()
    const [image, none] = [path.join(dir, 'vm0 root.qcow2'), path.join(dir, 'none')]
    await writeFile(image, 'an image')
    await mkdir(none)
    const { bin, runs } = await installGuestfsTools(dir, fake === 'not installed' ? {} : fake)
    const searched = fake === 'not installed' ? none : bin
    for (const program of others) await link(program, PATH, searched)
    process.env['PATH'] = searched
    const disk = { path: image, format: 'qcow2', rootPartition: undefined } as const
    const recorded = recordedTask()
    const pid = async (): Promise<Probe<number>> => {
      const written = await readFile(path.join(dir, 'pid'), 'utf8').catch(() => '')
      return written === '' ? { notYet: 'not written' } : { value: Number(written) }
    }
    return {
      ...recorded,
      dir,
      disk,
      runs,
      left: async () => thoseThere(await runs()),
      pid: async () => waitUntil(recorded.task, 'a process id', pid, { timeoutMs: 15_000, everyMs: 20 }),
    }
  }
}

async function link(program: string, searched: string, dir: string): Promise<void> {
  for (const file of searched.split(':').map((at) => path.join(at, program)))
    if (await stat(file).catch(() => undefined)) return symlink(file, path.join(dir, program))
}

async function thoseThere(runs: readonly GuestfsRun[]): Promise<string[]> {
  if (runs.length === 0) throw new Error('nothing was run')
  const paths = runs.flatMap(({ files, temporaryDir }) => [temporaryDir, ...Object.keys(files)])
  const found = await Promise.all(paths.map(async (shown) => stat(shown).then(() => [shown], () => []))) // prettier-ignore
  return found.flat()
}
