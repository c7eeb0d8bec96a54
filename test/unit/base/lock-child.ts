/** Takes the lock argv[2] (a file, or a directory when argv[3] says so), prints `locked`, holds it until it is killed. */
import { acquireLock } from '../../../src/base/lock.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const [, , path = '', kind] = process.argv
await acquireLock(recordedTask().task, {
  path,
  kind: kind === 'directory' ? 'directory' : 'file',
  what: 'the test',
  waitMs: 10_000,
})
console.log('locked')
process.stdin.resume()
