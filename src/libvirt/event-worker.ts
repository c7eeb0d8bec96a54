/**
 * The thread that runs libvirt's event loop. A file of its own that nothing imports.
 *
 * There is one loop per process and it takes no JavaScript with it: while libvirt waits, so does this thread. It is
 * woken through an eventfd(2), and reads its messages between two rounds.
 */
import { readSync } from 'node:fs'
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { messageOf } from '../base/errors.js'
import { openConsoleStream } from './console-stream.js'
import { VIR_EVENT_HANDLE_READABLE } from './constants.js'
import { watchDomains } from './domain-watch.js'
import { loadLibvirt } from './ffi.js'
import { EVENTFD_FLAGS, loadLibvirtLoop } from './ffi-loop.js'
import { initialize, LaneError } from './last-error.js'
import type { LoopLibvirt, OpenUse } from './loop-connection.js'
import type { FromLoop, FromUse, ToLoop, ToUse } from './loop-protocol.js'
import type { LaneFailure } from './protocol.js'

if (parentPort === null) throw new Error('unreachable: this file is only run as a worker thread')
run(parentPort)

type Port = NonNullable<typeof parentPort>
type Open = Extract<ToLoop, { type: 'open' }>

function run(port: Port): void {
  const libvirt = loadLibvirt()
  const loop = loadLibvirtLoop()
  // may be called again by the next thread: libvirt >= 6.1 registers once, older ones begin anew
  if (loop.virEventRegisterDefaultImpl() < 0) throw new Error('libvirt has no event loop')
  initialize(libvirt)
  const wakeFd = loop.eventfd(0, EVENTFD_FLAGS)
  const wake = loop.callback('handle', () => void readSync(wakeFd, new Uint8Array(8)))
  const wakeWatch = loop.virEventAddHandle(wakeFd, VIR_EVENT_HANDLE_READABLE, wake, null, null)
  if (wakeWatch < 0) throw new Error('libvirt does not take a file descriptor into its event loop')

  const deferred: (() => void)[] = []
  const uses = createUses(port, { libvirt, loop, later: (action) => deferred.push(action) })
  post(port, { type: 'ready', wakeFd })
  for (;;) {
    for (const action of deferred.splice(0)) action()
    for (const message of messages(port)) {
      if (message.type === 'stop') {
        uses.closeAll()
        loop.virEventRemoveHandle(wakeWatch) // the loop outlives this thread
        return port.close()
      }
      uses.take(message)
    }
    loop.virEventRunDefaultImpl()
  }
}

function* messages(port: Port): Iterable<ToLoop> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
    yield next.message as ToLoop // written by event-loop.ts
}

interface Uses {
  take(message: Exclude<ToLoop, { type: 'stop' }>): void
  closeAll(): void
}

function createUses(port: Port, libvirts: LoopLibvirt): Uses {
  const open = new Map<number, OpenUse<ToUse>>()

  function close(use: number): void {
    open.get(use)?.close()
    open.delete(use)
    post(port, { type: 'closed', use })
  }

  return {
    take(message) {
      if (message.type === 'close') close(message.use)
      else if (message.type === 'tell') open.get(message.use)?.tell(message.message)
      else
        try {
          open.set(message.use, openUse(port, libvirts, message))
          post(port, { type: 'opened', use: message.use })
        } catch (error) {
          post(port, { type: 'failed', use: message.use, failure: failureOf(error) })
        }
    },
    closeAll() {
      for (const use of [...open.keys()]) close(use)
    },
  }
}

function openUse(port: Port, libvirts: LoopLibvirt, { use, target, request }: Open): OpenUse<ToUse> {
  const tell = (message: FromUse): void => post(port, { type: 'told', use, message })
  switch (request.name) {
    case 'watchDomains':
      return watchDomains(libvirts, target, request.args[0], (event) => tell({ type: 'event', event }))
    case 'openConsole':
      return openConsoleStream(libvirts, { target, domain: request.args[0], force: request.args[1] }, tell)
  }
}

function failureOf(error: unknown): LaneFailure {
  return error instanceof LaneError ? error.failure : { kind: 'noLibrary', message: messageOf(error) }
}

function post(port: Port, message: FromLoop): void {
  port.postMessage(message)
}
