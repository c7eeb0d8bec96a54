import { mkdtemp, realpath, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach } from '@jest/globals'

/** Call at the top of a test file: each call of the result makes a new directory, removed after the test. */
export function useTempDirs(): () => Promise<string> {
  const made: string[] = []
  afterEach(async () => {
    for (const dir of made.splice(0)) await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  })
  return async () => {
    const dir = await mkdtemp(path.join(await realpath(os.tmpdir()), 'lago-test-'))
    made.push(dir)
    return dir
  }
}
