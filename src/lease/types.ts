/** Who a subnet belongs to. The file format is upstream's, so both programs can share a directory (spec 5.5). */
import type { Task } from '../base/task.js'

export interface LeaseOwner {
  /** The prefix's `uuid` file: a lease whose file is gone or says otherwise is stale. */
  readonly uuidPath: string
  readonly uuid: string
}

/** A /24 of 192.168.200.0 to 192.168.255.0. */
export interface SubnetLease {
  /** `192.168.200.0/24` */
  readonly cidr: string
  /** `192.168.200.1` */
  readonly gateway: string
  readonly owner: LeaseOwner
}

export interface SubnetLeases {
  acquire(task: Task, owner: LeaseOwner, want?: string): Promise<SubnetLease>
  /** Frees every lease of `owner` and of nobody else; gives what was freed. */
  release(task: Task, owner: LeaseOwner): Promise<readonly SubnetLease[]>
  list(task: Task): Promise<readonly SubnetLease[]>
}
