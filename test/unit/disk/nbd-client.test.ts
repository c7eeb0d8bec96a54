import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { connectNbd } from '../../../src/disk/nbd-client.js'
import { recordedTask } from '../../helpers/recorded-task.js'
import { useTempDirs } from '../../helpers/temp-dir.js'

const tempDir = useTempDirs()

/** Its only client, as soon as there is one. */
async function serve(socketPath: string): Promise<{ server: Server; client: Promise<Socket> }> {
  const server = createServer()
  const client = once(server, 'connection').then(([socket]: Socket[]) => {
    if (socket === undefined) throw new Error('unreachable: no client')
    socket.resume()
    return socket
  })
  await once(server.listen(socketPath), 'listening')
  return { server, client }
}

test('a server that is not understood is left, and no connection to it stays', async () => {
  const socketPath = path.join(await tempDir(), 'nbd')
  const { server, client } = await serve(socketPath)
  const connecting = connectNbd(recordedTask().task, socketPath)
  const socket = await client
  const closed = once(socket, 'close')
  socket.write('SSH-2.0-something else')
  await expect(connecting).rejects.toMatchObject({ code: 'LAGO_DISK_UNREADABLE' })
  await closed
  server.close()
})

test.each([
  ['before there is a connection', async () => undefined],
  ['while the server is silent', async (client: Promise<Socket>) => client],
])('an abort %s ends it with its reason', async (_, moment) => {
  const socketPath = path.join(await tempDir(), 'nbd')
  const { server, client } = await serve(socketPath)
  const { task, abort } = recordedTask()
  const connecting = connectNbd(task, socketPath)
  void moment(client).then(() => abort(new Error('enough')))
  await expect(connecting).rejects.toThrow('enough')
  server.close()
})
