/** Reading files that anybody may have put there. */
import { constants, open } from 'node:fs/promises'

const MOST_BYTES = 64 * 1024

/**
 * The text of a small regular file; undefined for anything else, such as a pipe, which would keep the reader for ever.
 * `links`: one that the name is a link to counts as well. Throws the system's error for a file that cannot be opened.
 */
export async function readSmallFile(
  filePath: string,
  { links = true }: { readonly links?: boolean } = {},
): Promise<string | undefined> {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants
  const file = await open(filePath, O_RDONLY | O_NONBLOCK | (links ? 0 : O_NOFOLLOW))
  try {
    const found = await file.stat()
    return found.isFile() && found.size <= MOST_BYTES ? await file.readFile('utf8') : undefined
  } finally {
    await file.close()
  }
}
