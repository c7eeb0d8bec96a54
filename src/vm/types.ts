/** What is special about one kind of VM (`vm-type` in the init file). A kind is a plain object; all of it is optional. */
import type { Era } from '../base/prefix-era.js'
import type { Task } from '../base/task.js'
import type { Guest } from '../guest/guest.js'
import type { DomainSpec } from '../spec/types.js'

export interface VmType {
  /** Paths in the guest that `collect` fetches beside those of the init file; `era` is the prefix's. */
  artifacts?(vm: DomainSpec, era: Era): readonly string[]
  /** Returns when the guest does what VMs of this kind are there for; to be asked once ssh answers. */
  ready?(task: Task, guest: Guest): Promise<void>
  /** Run in a guest that is about to be stopped or shut down. It has a time limit, and its failure stops nobody. */
  beforeStop?(task: Task, guest: Guest): Promise<void>
}
