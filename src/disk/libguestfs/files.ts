/** Paths and contents of what a session of guestfish has mounted. */
import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { isLagoError } from '../../base/errors.js'
import type { Task } from '../../base/task.js'
import { packFile } from '../ext4/tar.js'
import { globMatcher, hasGlob } from '../glob.js'
import { isTrue } from './root.js'
import type { Guestfish } from './session.js'

/** The paths that `pattern` meets, sorted; one of exactly that name comes before all meaning of its characters. */
export async function expandMounted(task: Task, fish: Guestfish, pattern: string): Promise<readonly string[]> {
  if (await isThere(task, fish, pattern)) return [pattern]
  if (!hasGlob(pattern)) return []
  let paths = ['']
  for (const part of pattern.split('/').filter((part) => part !== '' && part !== '.'))
    paths = hasGlob(part) ? await expandPart(task, fish, paths, part) : paths.map((parent) => `${parent}/${part}`)
  const found: string[] = []
  for (const one of paths.sort()) if (await isThere(task, fish, one)) found.push(one)
  return found
}

/** A link that leads nowhere is not there; `exists` would count it. */
async function isThere(task: Task, fish: Guestfish, guestPath: string): Promise<boolean> {
  return fish.run(task, ['realpath', guestPath]).then(
    () => true,
    (error: unknown) => {
      if (!isLagoError(error, 'LAGO_DISK_UNREADABLE') || fish.hasEnded) throw error
      return false
    },
  )
}

async function expandPart(task: Task, fish: Guestfish, parents: readonly string[], part: string): Promise<string[]> {
  const matches = globMatcher(part)
  const found: string[] = []
  for (const parent of parents) {
    const dir = parent === '' ? '/' : parent
    if (!(await isTrue(task, fish, ['is-dir', dir, 'followsymlinks:true']))) continue
    const names = await written(fish, 'names', async (file) => {
      await fish.run(task, ['ls0', dir, file])
      return readFile(file, 'utf8')
    })
    found.push(...names.split('\0').filter((name) => name !== '' && matches(name)).map((name) => `${parent}/${name}`)) // prettier-ignore
  }
  return found
}

/**
 * Gives the tar stream of a directory (members `./...`) or of a file (one member, `content`) to `take`; links are
 * followed to what is packed, and none in it. Other kinds of files are passed over.
 */
export async function packMounted(
  task: Task,
  fish: Guestfish,
  guestPath: string,
  take: (stream: Readable, kind: 'directory' | 'file') => Promise<void>,
): Promise<void> {
  const real = (await fish.run(task, ['realpath', guestPath])).replace(/\n$/, '')
  if (await isTrue(task, fish, ['is-dir', real]))
    return written(fish, 'tar', async (file) => {
      await fish.run(task, ['tar-out', real, file])
      await take(createReadStream(file), 'directory')
    })
  if (!(await isTrue(task, fish, ['is-file', real])))
    return task.log('debug', `left out ${guestPath}: not a file or a directory`)
  const facts = await fish.run(task, ['statns', real])
  await written(fish, 'content', async (file) => {
    await fish.run(task, ['download', real, file])
    const fact = (name: string): number => Number(new RegExp(`^st_${name}: (\\d+)$`, 'm').exec(facts)?.[1] ?? 0)
    const inode = { type: 'file', mode: fact('mode') & 0o7777, mtimeS: fact('mtime_sec') } as const
    await take(packFile(inode, file), 'file')
  })
}

/** A file that is there for the time of `use`. */
async function written<T>(fish: Guestfish, name: string, use: (file: string) => Promise<T>): Promise<T> {
  const file = path.join(fish.workDir, name)
  try {
    return await use(file)
  } finally {
    await rm(file, { force: true })
  }
}
