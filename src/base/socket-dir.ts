/** Where sockets are made. */
import os from 'node:os'

/** A socket's path has room for 107 bytes: the directory for temporary files, or `/tmp` when that one is too long. */
export function socketDir(): string {
  const dir = os.tmpdir()
  return Buffer.byteLength(dir) <= MAX_DIR_BYTES ? dir : '/tmp'
}

/** Leaves room for a directory, a name, and the 17 bytes that ssh adds while it makes a socket. */
const MAX_DIR_BYTES = 48
