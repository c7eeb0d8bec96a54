/** libvirt's lifecycle events in words (libvirt/libvirt-domain.h, 9.0.0: virDomainEventType and its details). */
import type { LifecycleEvent } from './types.js'

/** By their numbers, which count from 0. */
const EVENTS: readonly (readonly [LifecycleEvent, readonly string[]])[] = [
  ['defined', ['added', 'updated', 'renamed', 'from snapshot']],
  ['undefined', ['removed', 'renamed']],
  ['started', ['booted', 'migrated', 'restored', 'from snapshot', 'woken up']],
  [
    'suspended',
    [
      'paused',
      'migrated',
      'disk error',
      'watchdog',
      'restored',
      'from snapshot',
      'failure',
      'post-copy',
      'post-copy failed',
    ],
  ],
  ['resumed', ['unpaused', 'migrated', 'from snapshot', 'post-copy', 'post-copy failed']],
  ['stopped', ['shut down', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from snapshot']],
  ['shutdown', ['finished', 'by the guest', 'by the host']],
  ['pmsuspended', ['to memory', 'to disk']],
  ['crashed', ['panicked', 'crash kernel loaded']],
]

/** Undefined for an event that a later libvirt may bring. */
export function lifecycleOf(event: number, detail: number): { event: LifecycleEvent; detail: string } | undefined {
  const [name, details] = EVENTS[event] ?? []
  return name === undefined ? undefined : { event: name, detail: details?.[detail] ?? 'for another reason' }
}
