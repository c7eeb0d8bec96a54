/** Downloads over http and https. Knows nothing of templates. */
import type { HttpClient } from './client.js'
import { DOWNLOAD_LIMITS, type DownloadLimits } from './limits.js'
import { openDownload } from './open.js'
import type { Variables } from './proxy.js'
import { downloadText } from './text.js'
import type { Downloader } from './types.js'

export interface DownloaderOptions {
  /** For `http_proxy` and the like, and for `NETRC` and `HOME`, where users and passwords are looked up. */
  readonly env: Variables
  readonly limits?: Partial<DownloadLimits>
  readonly tls?: TlsOptions
}

export interface TlsOptions {
  /** False: whoever answers is believed to be the server. Default true. */
  readonly verifies?: boolean
  /** Certificates of the authorities that are trusted, PEM; default: Node's own. */
  readonly authorities?: string | undefined
}

/** Nothing is loaded or read before the first download. */
export function createDownloader(options: DownloaderOptions): Downloader {
  const limits = { ...DOWNLOAD_LIMITS, ...options.limits }
  let loaded: Promise<HttpClient> | undefined
  const client = async (): Promise<HttpClient> => (loaded ??= loadClient(options, limits))
  return {
    open: async (task, urls) => openDownload(task, await client(), urls, limits),
    text: async (task, urls, textOptions = {}) => downloadText(task, await client(), urls, textOptions, limits),
  }
}

/** got alone takes an eighth of a second. */
async function loadClient({ env, tls = {} }: DownloaderOptions, limits: DownloadLimits): Promise<HttpClient> {
  const [{ got }, { createHttpClient }] = await Promise.all([import('got'), import('./client.js')])
  const { verifies = true, authorities } = tls
  const https = {
    rejectUnauthorized: verifies,
    ...(authorities === undefined ? {} : { certificateAuthority: authorities }),
  }
  return createHttpClient(got.extend({ https }), env, limits)
}
