/** One look at a TCP port of a guest, from outside: costs the guest a packet or two, and no handshake of ssh. */
import { connect } from 'node:net'
import { isSystemError } from '../base/errors.js'
import type { Task } from '../base/task.js'

export interface PortRequest {
  readonly ip: string
  readonly port: number
  /** Wait for what the server says first. Default false. */
  readonly greeting?: boolean
}

export type PortAnswer =
  /** Nobody has answered: the address may belong to nobody yet. */
  | { readonly kind: 'silent'; readonly text: string }
  /** The guest has answered that nobody listens: its network is up. */
  | { readonly kind: 'closed'; readonly text: string }
  /** `greeting`: the first bytes, as latin1; undefined when none were asked for, or none came. */
  | { readonly kind: 'open'; readonly text: string; readonly greeting: string | undefined }

/** Short, so that each try asks the network anew for an address that was silent before. */
const CONNECT_MS = 500
/** A server on an emulated guest takes its time, and a new connection would only make it begin anew. */
const GREETING_MS = 10_000

/** Rejects only when the task is aborted. */
export async function probePort(task: Task, { ip, port, greeting = false }: PortRequest): Promise<PortAnswer> {
  task.signal.throwIfAborted()
  const answer = await new Promise<PortAnswer>((resolve) => {
    const socket = connect({ host: ip, port, signal: task.signal })
    let isOpen = false
    const settle = (answer: PortAnswer): void => {
      socket.destroy()
      resolve(answer)
    }
    const open = (text: string, said?: string): void => settle({ kind: 'open', text, greeting: said })
    const giveUp = (): void => {
      if (isOpen) open(`${ip}:${port} accepts connections and says nothing`)
      else settle({ kind: 'silent', text: `no answer from ${ip}:${port}` })
    }
    socket.setTimeout(CONNECT_MS).on('timeout', () => {
      const wasOpen = isOpen
      setImmediate(() => wasOpen === isOpen && giveUp()) // what has come by now, while we were held up, is read before
    })
    socket.on('connect', () => {
      isOpen = true
      if (greeting) socket.setTimeout(GREETING_MS)
      else open(`${ip}:${port} accepts connections`)
    })
    socket.on('error', (error) => {
      const hasAnswered = isOpen || isSystemError(error, 'ECONNREFUSED', 'ECONNRESET')
      settle({ kind: hasAnswered ? 'closed' : 'silent', text: error.message })
    })
    socket.on('end', () => open(`${ip}:${port} closed the connection without a greeting`))
    socket.once('data', (chunk) => open(`${ip}:${port} speaks`, chunk.toString('latin1')))
  })
  task.signal.throwIfAborted()
  return answer
}
