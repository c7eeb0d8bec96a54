import { stat } from 'node:fs/promises'

/** stat(2): `st_blocks` counts 512 bytes, whatever the file system. */
const BLOCK_BYTES = 512

/** What the file takes on the disk; 0 for one that is not there. */
export async function allocatedBytes(filePath: string): Promise<number> {
  return stat(filePath).then(
    ({ blocks }) => blocks * BLOCK_BYTES,
    () => 0,
  )
}
