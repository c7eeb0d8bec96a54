/** The downloader of `--offline`. */
import { LagoError } from '../../base/errors.js'
import { plainUrl } from './plain-url.js'
import type { Downloader } from './types.js'

/** Each call throws `LAGO_OFFLINE` with the first URL. */
export function forbidDownloads(): Downloader {
  const refuse = async (_: unknown, urls: readonly string[]): Promise<never> => {
    const shown = urls.map(plainUrl)
    throw new LagoError('LAGO_OFFLINE', `cannot download ${shown[0]}: --offline forbids it`, {
      hint: 'leave --offline out, or fetch it while there is a network: lago template fetch NAME',
      data: { urls: shown },
    })
  }
  return { open: refuse, text: refuse }
}
