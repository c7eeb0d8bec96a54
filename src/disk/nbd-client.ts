/** Reads a disk from an NBD server on a socket (the protocol's doc/proto.md: newstyle negotiation, simple replies). */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { beyondEnd, type BlockSource } from './block-source.js'

export interface NbdClient extends BlockSource, AsyncDisposable {}

/** Rejects with the socket's own error while nobody listens there. */
export async function connectNbd(task: Task, socketPath: string): Promise<NbdClient> {
  const socket = connect({ path: socketPath, signal: task.signal })
  try {
    const replies = createReader(socket)
    await once(socket, 'connect')
    return nbdClient(socket, replies, await negotiate(socket, replies))
  } catch (error) {
    socket.destroy()
    task.signal.throwIfAborted()
    throw error
  }
}

const NBD_MAGIC = 'NBDMAGIC'
const OPTION_MAGIC = 'IHAVEOPT'
const FIXED_NEWSTYLE = 1
const NO_ZEROES = 2
const OPT_EXPORT_NAME = 1
const REQUEST_MAGIC = 0x25609513
const SIMPLE_REPLY_MAGIC = 0x67446698
const CMD_READ = 0

async function negotiate(socket: Socket, replies: Reader): Promise<number> {
  const greeting = await replies.take(18)
  if (greeting.toString('latin1', 0, 16) !== NBD_MAGIC + OPTION_MAGIC) throw protocolError('its greeting')
  const noZeroes = greeting.readUInt16BE(16) & NO_ZEROES
  const answer = Buffer.alloc(20) // the export has the empty name
  answer.writeUInt32BE(FIXED_NEWSTYLE | noZeroes, 0)
  answer.write(OPTION_MAGIC, 4, 'latin1')
  answer.writeUInt32BE(OPT_EXPORT_NAME, 12)
  socket.write(answer)
  const size = (await replies.take(noZeroes ? 10 : 134)).readBigUInt64BE(0)
  return Number(size)
}

/** One request at a time: the server is this host's own, and reads are large. */
function nbdClient(socket: Socket, replies: Reader, sizeBytes: number): NbdClient {
  let last: Promise<unknown> = Promise.resolve()
  let handle = 0n
  const readNow = async (offset: number, length: number): Promise<Buffer> => {
    handle += 1n
    socket.write(readRequest(handle, offset, length))
    const reply = await replies.take(16)
    if (reply.readUInt32BE(0) !== SIMPLE_REPLY_MAGIC || reply.readBigUInt64BE(8) !== handle)
      throw protocolError('its reply')
    const error = reply.readUInt32BE(4)
    if (error !== 0) throw new LagoError('LAGO_DISK_UNREADABLE', `the disk cannot be read at ${offset}: error ${error}`)
    return replies.take(length)
  }
  return {
    sizeBytes,
    async read(task, offset, length) {
      task.signal.throwIfAborted()
      if (offset < 0 || length < 0 || offset + length > sizeBytes) throw beyondEnd(offset, length, sizeBytes)
      const result = last.then(async () => readNow(offset, length))
      last = result.catch(() => undefined)
      return result.catch((error: unknown) => {
        task.signal.throwIfAborted() // the socket closed because of it
        throw error
      })
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

function readRequest(handle: bigint, offset: number, length: number): Buffer {
  const request = Buffer.alloc(28)
  request.writeUInt32BE(REQUEST_MAGIC, 0)
  request.writeUInt16BE(CMD_READ, 6)
  request.writeBigUInt64BE(handle, 8)
  request.writeBigUInt64BE(BigInt(offset), 16)
  request.writeUInt32BE(length, 24)
  return request
}

interface Reader {
  /** The next `length` bytes. One call at a time. */
  take(length: number): Promise<Buffer>
}

function createReader(socket: Socket): Reader {
  const chunks: Buffer[] = []
  let available = 0
  let ended: Error | undefined
  let wake: () => void = () => undefined
  const end = (error: Error): void => {
    ended ??= error
    wake()
  }
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    available += chunk.length
    wake()
  })
  socket.on('error', end)
  socket.on('close', () => end(new LagoError('LAGO_DISK_UNREADABLE', 'the reader of the disk ended in the middle')))
  return {
    async take(length) {
      while (available < length) {
        if (ended !== undefined) throw ended
        await new Promise<void>((resolve) => (wake = resolve))
      }
      const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      chunks.splice(0, chunks.length, all.subarray(length))
      available -= length
      return all.subarray(0, length)
    },
  }
}

function protocolError(what: string): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `the NBD server on this host is not understood: ${what}`)
}
