/** Holds the lock of a directory until it is killed; prints `held` when it has it. */
import { acquireLock } from '../../src/base/lock.js'
import { createTask } from '../../src/base/task.js'

const task = createTask({ emit: () => undefined, close: async () => undefined })
await acquireLock(task, { path: process.argv[2] ?? '', kind: 'directory', what: 'test', waitMs: 5000 })
console.log('held')
process.stdin.resume() // until the test ends it
