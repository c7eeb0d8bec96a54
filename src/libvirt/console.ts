/** A domain's console as a stream of Node's. */
import { Duplex } from 'node:stream'
import { LagoError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { toLagoError } from './errors.js'
import type { EventLoop, LoopUse } from './event-loop.js'
import type { FromUse, LoopRequest } from './loop-protocol.js'
import type { LaneFailure } from './protocol.js'
import type { ConsoleOptions } from './types.js'

/** The stream fails with `LAGO_CONSOLE_LOST` when another takes the console over. */
export async function openConsole(
  task: Task,
  loop: EventLoop,
  { uri, name, force = false }: ConsoleOptions & { readonly uri: string; readonly name: string },
): Promise<Duplex> {
  const request = { name: 'openConsole', args: [name, force] } as const
  const early: FromUse[] = []
  let receive = (message: FromUse): void => void early.push(message)
  const use = await loop.open(task, request, (message) => receive(message))
  const stream = consoleOf(use, { uri, request })
  receive = (message) => stream.take(message)
  for (const message of early) receive(message)
  return stream.duplex
}

interface About {
  readonly uri: string
  readonly request: Extract<LoopRequest, { name: 'openConsole' }>
}

interface ConsoleStream {
  readonly duplex: Duplex
  take(message: FromUse): void
}

function consoleOf(use: LoopUse, about: About): ConsoleStream {
  const written: ((error?: Error | null) => void)[] = []
  /** Handed to the stream, which said that it has enough; told to the thread when more is asked for. */
  let heldBytes = 0

  const duplex = new Duplex({
    allowHalfOpen: false,
    read() {
      if (heldBytes > 0) use.tell({ type: 'taken', bytes: heldBytes })
      heldBytes = 0
    },
    write(chunk: Uint8Array, _encoding, callback) {
      written.push(callback)
      use.tell({ type: 'write', data: new Uint8Array(chunk) })
    },
    destroy(error, callback) {
      for (const done of written.splice(0)) done(error)
      use.close().then(() => callback(error), callback)
    },
  })

  function take(message: FromUse): void {
    switch (message.type) {
      case 'data':
        if (message.skippedBytes > 0) duplex.push(skipped(message.skippedBytes))
        if (duplex.push(message.data)) use.tell({ type: 'taken', bytes: message.data.length })
        else heldBytes += message.data.length
        return
      case 'written':
        return written.shift()?.()
      case 'ended':
        if (message.failure === undefined) duplex.push(null)
        else duplex.destroy(cutOff(message.failure, about))
        return
      case 'event':
    }
  }

  return { duplex, take }
}

function cutOff(failure: LaneFailure, { uri, request }: About): LagoError {
  if (failure.kind !== 'call') return toLagoError(failure, uri, request)
  return new LagoError('LAGO_CONSOLE_LOST', `the console of "${request.args[0]}" was cut off: ${failure.message}`, {
    hint: 'another session may have taken it over',
    data: { object: request.args[0], libvirtCode: failure.code },
  })
}

function skipped(bytes: number): string {
  return `\r\n[${bytes} bytes of output were skipped here: nobody read them]\r\n`
}
