/** Placeholder until the room is merged. */
import { forbidDownloads } from './offline.js'
import type { Downloader } from './types.js'

export function createDownloader(_: { readonly env: Readonly<Record<string, string | undefined>> }): Downloader {
  return forbidDownloads()
}
