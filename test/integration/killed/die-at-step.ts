/**
 * Loaded before the program (`node --import`): kills the process, hard, when it tells of its step boundary number
 * `LAGO_TEST_DIE_AT`, counted from 1, to the file of `--events`. Each boundary passed is noted before.
 */
import fs from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const dieAt = Number(process.env['LAGO_TEST_DIE_AT'])
const stream = fs.WriteStream.prototype
const write = stream.write as (this: fs.WriteStream, ...args: unknown[]) => boolean // one of its forms is as good as another
let passed = 0

if (isMainThread && dieAt > 0)
  stream.write = function (this: fs.WriteStream, ...args: unknown[]) {
    if (isBoundary(args[0]) && ++passed === dieAt) process.kill(process.pid, 'SIGKILL')
    return write.apply(this, args)
  }

function isBoundary(chunk: unknown): boolean {
  return typeof chunk === 'string' && /^\{"at":\d+,"type":"step\.(start|end)"/.test(chunk)
}
