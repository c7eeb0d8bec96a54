/** Who a subnet belongs to. The file format is upstream's, so both programs can share a directory (spec 5.5). */
import type { Subnet } from '../base/ipv4.js'
import type { Task } from '../base/task.js'
import type { UuidFile } from '../base/uuid-file.js'

/** A prefix: a lease whose uuid file is gone or says otherwise is stale. */
export type LeaseOwner = UuidFile

export interface SubnetLease {
  readonly subnet: Subnet
  readonly owner: LeaseOwner
}

/** This very subnet, or any free one with a prefix of `length` bits, 16 to 30. */
export type SubnetWish = { readonly subnet: Subnet } | { readonly length: number }

/** Addresses that something else on this host uses. */
export interface Neighbour {
  readonly subnet: Subnet
  /** For messages: `the route to 10.0.0.0/8 (tun0)`. */
  readonly what: string
  /** A smaller network inside of it does no harm: true for routes. */
  readonly mayContain: boolean
}

export interface SubnetLeases {
  acquire(task: Task, owner: LeaseOwner, wish: SubnetWish): Promise<SubnetLease>
  /** Frees every lease of `owner` and of nobody else; gives what was freed. */
  release(task: Task, owner: LeaseOwner): Promise<readonly SubnetLease[]>
  /** Those of living prefixes, lowest first. */
  list(task: Task): Promise<readonly SubnetLease[]>
  /** Those whose prefix is gone. */
  listStale(task: Task): Promise<readonly SubnetLease[]>
  /** Removes the leases whose prefix is gone; gives them. */
  reclaim(task: Task): Promise<readonly SubnetLease[]>
}
