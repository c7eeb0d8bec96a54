/** Argument: the port of a server that says nothing. Begins to connect, disposes of the guest, and tells what came of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createTask } from '../../../src/base/task.js'
import { openSshGuest } from '../../../src/guest/ssh-guest.js'

const [port = '', when = ''] = process.argv.slice(2)
const dir = await mkdtemp(path.join(os.tmpdir(), 'lago-dispose-'))
const messages: string[] = []
const task = createTask({ emit: (event) => void (event.type === 'log' && messages.push(event.message)), close: async () => undefined }) // prettier-ignore
const guest = openSshGuest({
  vm: 'vm0',
  ip: '127.0.0.1',
  port: Number(port),
  user: 'root',
  password: undefined,
  keyPath: path.join(dir, 'id'),
  knownHostsPath: path.join(dir, 'known_hosts'),
  connectTimeoutMs: 60_000,
  connectTries: 1,
})
const running = guest.start(task, 'true') // nobody awaits its end yet
if (when === 'later') await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()))
await guest[Symbol.asyncDispose]()
await new Promise((resolve) => setImmediate(resolve)) // what is left unhandled is told by then
const code = await running.ended.then(
  () => 'ended',
  (error: unknown) => (error as { code?: string }).code,
)
await rm(dir, { recursive: true, force: true })
process.stdout.write(`${code}\n`)
process.stdin.destroy()
