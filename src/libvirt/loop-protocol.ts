/**
 * What the main thread and the thread of the event loop say to each other: plain data only. A _use_ is one connection
 * with what is wanted of it; everything about it carries its number.
 */
import type { LaneFailure, LibvirtTarget } from './protocol.js'
import type { DomainEvent } from './types.js'

export type LoopRequest =
  | { readonly name: 'watchDomains'; readonly args: readonly [names: readonly string[]] }
  | { readonly name: 'openConsole'; readonly args: readonly [domain: string, force: boolean] }

export type ToLoop =
  | { readonly type: 'open'; readonly use: number; readonly target: LibvirtTarget; readonly request: LoopRequest }
  | { readonly type: 'tell'; readonly use: number; readonly message: ToUse }
  | { readonly type: 'close'; readonly use: number }
  | { readonly type: 'stop' }

export type FromLoop =
  /** First of all. A number written to the eventfd(2) makes the thread read its messages. */
  | { readonly type: 'ready'; readonly wakeFd: number }
  | { readonly type: 'opened'; readonly use: number }
  | { readonly type: 'failed'; readonly use: number; readonly failure: LaneFailure }
  | { readonly type: 'told'; readonly use: number; readonly message: FromUse }
  | { readonly type: 'closed'; readonly use: number }

/** To a console. */
export type ToUse =
  | { readonly type: 'write'; readonly data: Uint8Array }
  /** So much of what came was read. */
  | { readonly type: 'taken'; readonly bytes: number }

export type FromUse =
  | { readonly type: 'event'; readonly event: DomainEvent }
  /** `skippedBytes` came before `data` and were dropped, because nobody read. */
  | { readonly type: 'data'; readonly data: Uint8Array; readonly skippedBytes: number }
  /** The oldest `write` that was not yet confirmed. */
  | { readonly type: 'written' }
  /** Without `failure` the guest's side has closed. */
  | { readonly type: 'ended'; readonly failure: LaneFailure | undefined }
