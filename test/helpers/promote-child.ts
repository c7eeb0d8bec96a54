/**
 * Promotes as `scripts/release promote` does, and ends itself by SIGKILL at the event number DIE_AT, counted from 1; 0: never.
 * Tells how many events there were. Arguments: DIE_AT TREE SNAPSHOT.
 */
import { createTask } from '../../src/base/task.js'
import { promote } from '../../scripts/releasing/promote.js'

const [dieAt = '', treeDir = '', snapshot = ''] = process.argv.slice(2)
let count = 0
const sink = {
  emit: () => {
    if (++count === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
  },
  close: async () => undefined,
}
const options = { afterDays: 30, nowMs: Date.parse('2026-03-05T12:00:00Z'), beforeNew: async () => undefined }
await promote(createTask(sink), { treeDir, snapshot, reason: 'it is time', ...options })
console.log(count)
