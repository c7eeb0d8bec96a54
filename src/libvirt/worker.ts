/**
 * The thread of a lane: takes one message after the other, makes the call, answers. A file of its own that nothing
 * imports. The library is loaded when the thread starts; the connection is opened by the first call.
 */
import { parentPort } from 'node:worker_threads'
import { messageOf } from '../base/errors.js'
import { loadLibvirt } from './ffi.js'
import { LaneError } from './last-error.js'
import type { FromLane, LaneCall, LibvirtTarget, ToLane } from './protocol.js'
import { createSession, type Session } from './session.js'

if (parentPort === null) throw new Error('unreachable: this file is only run as a worker thread')
serve(parentPort)

function serve(port: NonNullable<typeof parentPort>): void {
  let session: Session | LaneError = new LaneError({ kind: 'noLibrary', message: 'a call came before the target' })
  port.on('message', (message: ToLane) => {
    switch (message.type) {
      case 'target':
        session = startSession(message.target)
        break
      case 'call':
        port.postMessage(answer(session, message.call))
        break
      case 'close':
        if (!(session instanceof LaneError)) session.close()
        port.close()
    }
  })
}

/** A failure is kept for the first call, because somebody waits for that one. */
function startSession(target: LibvirtTarget): Session | LaneError {
  try {
    return createSession(loadLibvirt(), target)
  } catch (error) {
    return error instanceof LaneError ? error : new LaneError({ kind: 'noLibrary', message: messageOf(error) })
  }
}

function answer(session: Session | LaneError, call: LaneCall): FromLane {
  try {
    if (session instanceof LaneError) throw session
    const method = session[call.name] as (...args: LaneCall['args']) => unknown // LaneCall pairs names with arguments
    return { type: 'result', value: method(...call.args) }
  } catch (error) {
    if (error instanceof LaneError) return { type: 'failure', failure: error.failure }
    throw error
  }
}
