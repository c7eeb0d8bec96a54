/** For `--offline`: what is not on this host is not to be had. */
import { LagoError } from '../../base/errors.js'
import { plainUrl } from './plain-url.js'
import type { Downloader } from './types.js'

export function forbidDownloads(): Downloader {
  const refuse = async (_: unknown, urls: readonly string[]): Promise<never> => {
    throw new LagoError('LAGO_OFFLINE', `cannot download ${plainUrl(urls[0] ?? '')}: --offline forbids it`, {
      hint: 'fetch it ahead, without --offline: lago template fetch NAME',
      data: { url: plainUrl(urls[0] ?? '') },
    })
  }
  return { open: refuse, text: refuse }
}
