/** In a process of its own: a rejection that nobody handles ends it before it can answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

test.each(['at once', 'later'])('a guest is disposed of %s, while its connection is opening', async (when) => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    child.stdin.write('connected\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a TCP server has one
  const script = fileURLToPath(new URL('./dispose-while-opening.js', import.meta.url))
  const child = spawn(process.execPath, [script, String(port), when], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined) // it need not wait for the connection
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  for (const socket of sockets) socket.destroy()
  server.close()
  expect([code, said]).toEqual([0, 'LAGO_GUEST_UNREACHABLE\n'])
})
