import { spawnSync } from 'node:child_process'
import { mkdir, readdir, rmdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { acquireLock, withLock, type LockOptions } from '../../../src/base/lock.js'
import { LagoError } from '../../../src/base/errors.js'
import { startScript, type ChildScript } from '../../helpers/child-script.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

async function holderOf(lock: Pick<LockOptions, 'path' | 'kind'>): Promise<ChildScript> {
  const child = startScript(new URL('./lock-child.js', import.meta.url), [lock.path, lock.kind ?? 'file'])
  expect(await child.nextLine()).toBe('locked')
  return child
}

const { task } = recordedTask()

describe.each(['file', 'directory'] as const)('a lock on a %s', (kind) => {
  async function lockIn(dir: string): Promise<LockOptions> {
    return { path: kind === 'directory' ? dir : path.join(dir, 'x.lock'), kind, what: 'prefix "a"', waitMs: 0 }
  }

  test('is refused while another process holds it, and names that process', async () => {
    const lock = await lockIn(await tempDir())
    const holder = await holderOf(lock)
    const error = await acquireLock(task, lock).catch((caught: unknown) => caught)
    await holder.kill('SIGKILL')
    expect(error).toMatchObject({ code: 'LAGO_LOCKED', data: { pid: holder.pid, path: lock.path } })
    expect((error as LagoError).message).toMatch(
      new RegExp(`^prefix "a" is held by pid ${holder.pid} \\(.*lock-child.*\\), running for \\d+ s$`),
    )
  })

  test('is free at once when its holder was killed', async () => {
    const lock = await lockIn(await tempDir())
    const holder = await holderOf(lock)
    await holder.kill('SIGKILL')
    await expect(withLock(task, lock, async () => 'free')).resolves.toBe('free')
  })

  test('is the lock that flock(1) takes', async () => {
    const lock = await lockIn(await tempDir())
    const tryByHand = (): number | null => spawnSync('flock', ['--nonblock', lock.path, 'true']).status
    await withLock(task, lock, async () => expect(tryByHand()).toBe(1))
    expect(tryByHand()).toBe(0)
  })

  test('leaves nothing behind but the lock file', async () => {
    const dir = await tempDir()
    await withLock(task, await lockIn(dir), async () => undefined)
    expect(await readdir(dir)).toEqual(kind === 'directory' ? [] : ['x.lock'])
  })
})

test('a waiter gets the lock when it becomes free, and says meanwhile who has it', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'template r:t:v', waitMs: 60_000 }
  const holder = await holderOf(lock)
  const { task, message, messages } = recordedTask()
  const waiting = acquireLock(task, lock)
  await message(new RegExp(`^waiting for template r:t:v, held by pid ${holder.pid} \\(`))
  await holder.kill('SIGKILL')
  await (await waiting)[Symbol.asyncDispose]()
  expect(messages()).toHaveLength(1)
})

test('a second lock in the same process waits too', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'x', waitMs: 0 }
  await withLock(task, lock, async () => {
    await expect(acquireLock(task, lock)).rejects.toMatchObject({
      code: 'LAGO_LOCKED',
      message: expect.stringMatching(/^x is held by this process \(/),
    })
  })
  await withLock(task, lock, async () => undefined)
})

test('an abort ends the wait with its reason', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'x', waitMs: 60_000 }
  const held = await acquireLock(task, lock)
  const { task: waiter, abort } = recordedTask()
  const waiting = acquireLock(waiter, lock)
  abort(new LagoError('LAGO_CANCELLED', 'stop'))
  await expect(waiting).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
  await held[Symbol.asyncDispose]()
})

test('a lock is freed when the work in it fails, and may be disposed of twice', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'x', waitMs: 0 }
  await expect(withLock(task, lock, async () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  const held = await acquireLock(task, lock)
  await held[Symbol.asyncDispose]()
  await held[Symbol.asyncDispose]()
  await withLock(task, lock, async () => undefined)
})

test('a directory that is removed while waiting is not made again', async () => {
  const dir = path.join(await tempDir(), 'prefix')
  await mkdir(dir)
  const lock = { path: dir, kind: 'directory', what: 'x', waitMs: 60_000 } as const
  const held = await acquireLock(task, lock)
  const refused = expect(acquireLock(task, lock)).rejects.toMatchObject({ code: 'ENOENT' })
  await rmdir(dir)
  await held[Symbol.asyncDispose]()
  await refused
})

test('a lock file is made readable for others', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'x', waitMs: 0 }
  await withLock(task, lock, async () => undefined)
  expect((await stat(lock.path)).mode & 0o777).toBe(0o644 & ~process.umask())
})

test('a lock file that may not be opened is a matter of permissions', async () => {
  const lock = { path: '/sys/kernel/x.lock', what: 'x', waitMs: 0 } // sysfs lets not even root make files
  await expect(acquireLock(task, lock)).rejects.toMatchObject({
    code: 'LAGO_PERMISSION',
    message: 'no permission to open /sys/kernel/x.lock, the lock of x',
  })
})

test('what was in a lock file stays', async () => {
  const lock = { path: path.join(await tempDir(), 'x.lock'), what: 'x', waitMs: 0 }
  await writeFile(lock.path, 'theirs')
  await withLock(task, lock, async () => undefined)
  expect((await stat(lock.path)).size).toBe(6)
})
