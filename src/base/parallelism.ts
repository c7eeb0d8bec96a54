/** How much work is done side by side when nobody says. */
import os from 'node:os'

/** Most of it waits for libvirt, for disks and for guests, and some of it runs a program. */
const PER_CORE = 4
/** What a program of ours and its page cache may take. */
const MEMORY_OF_ONE_BYTES = 256 * 1024 ** 2
const AT_LEAST = 4

/** Follows the cores that this process may use, and the memory of the host. */
export function defaultJobs(cores: number = os.availableParallelism(), memoryBytes: number = os.totalmem()): number {
  return Math.max(AT_LEAST, Math.min(PER_CORE * cores, Math.floor(memoryBytes / MEMORY_OF_ONE_BYTES)))
}
