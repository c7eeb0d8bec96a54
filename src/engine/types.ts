/**
 * Speaking with an oVirt engine: the resources of its REST API, version 4, and bringing them from one state to another.
 * This room knows URLs and passwords; it does not know environments or how an engine came to run.
 */
import type { Task } from '../base/task.js'
import type { Entity } from './answer.js'

export interface EngineOptions {
  /** `https://192.168.200.2/ovirt-engine`, no slash at the end. */
  readonly url: string
  /** `admin@internal`. */
  readonly user: string
  readonly password: string
  readonly trust: Trust
  /** Between two looks at what is waited for; default 1,000. */
  readonly everyMs?: number
  /** For one request; default 30,000. */
  readonly requestTimeoutMs?: number
}

/** How the engine is known to be the one. */
export type Trust =
  /** The authority that it names at the first meeting, kept in this file from then on. */
  | { readonly kind: 'pinned'; readonly caPath: string }
  | { readonly kind: 'ca-file'; readonly caPath: string }
  /** Not at all; said as a warning. */
  | { readonly kind: 'insecure' }

/** An engine that has let us in. Disposal ends the session there. */
export interface Engine extends AsyncDisposable {
  readonly url: string
  readonly everyMs: number
  /** `path` below `/api`; empty for its root. Throws as `ask`. */
  get(task: Task, path: string): Promise<Entity>
  /**
   * An action on a resource: `ask(task, 'hosts/1/activate')`. Throws `LAGO_ENGINE_REFUSED` with the engine's reason,
   * `LAGO_ENGINE_UNREACHABLE`, `LAGO_ENGINE_AUTH`.
   */
  ask(task: Task, path: string): Promise<void>
  /** Changes a resource; `root` is what it is called in XML. Throws as `ask`. */
  change(task: Task, path: string, root: string, values: Entity): Promise<void>
}

export interface EngineFacts {
  /** `4.3.10.4-1.el7`. */
  readonly version: string
  readonly items: Readonly<Record<CountedItem, Count>>
}

export type CountedItem = 'hosts' | 'storage_domains' | 'users' | 'vms'

export interface Count {
  readonly total: number
  readonly active: number
}

/** Something that has a state. */
export interface Resource {
  readonly id: string
  readonly name: string
  /** As the engine writes it: `up`, `maintenance`, `preparing_for_maintenance`. */
  readonly status: string
  /** Below `/api`. */
  readonly path: string
}

export interface EngineHost extends Resource {
  readonly clusterId: string | undefined
}

export type EngineVm = Resource

export interface StorageDomain extends Resource {
  readonly dataCenter: string
  readonly isMaster: boolean
}

export interface Cluster {
  readonly id: string
  readonly name: string
  readonly cpuType: string | undefined
}
