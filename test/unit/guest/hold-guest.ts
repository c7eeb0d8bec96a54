/** Holds a connection to the guest of the target given as JSON, until it is killed. */
import { openSshGuest } from '../../../src/guest/ssh-guest.js'
import type { SshTarget } from '../../../src/guest/ssh-command.js'
import { recordedTask } from '../../helpers/recorded-task.js'

const target = JSON.parse(process.argv[2] ?? '') as SshTarget // of the test
const guest = openSshGuest(target)
await guest.run(recordedTask().task, 'true')
console.log('ready')
process.stdin.resume()
