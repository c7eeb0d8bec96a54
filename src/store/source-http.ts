/** Images at a web server, with mirrors. */
import { LagoError } from '../base/errors.js'
import { isNotServed } from './download/failure.js'
import { plainUrl } from './download/plain-url.js'
import type { Downloader } from './download/types.js'
import type { TemplateSource } from './types.js'

/** `baseUrls`: mirrors in their order, each with or without its last slash; at least one. */
export function createHttpSource(downloader: Downloader, baseUrls: readonly string[]): TemplateSource {
  const urlsOf = (handle: string): readonly string[] => baseUrls.map((baseUrl) => joinUrl(baseUrl, handle))
  return {
    // compressed names first, as upstream has it (spec 4.2); the others are ours
    suffixes: ['.xz', '', '.zst', '.gz'],
    describe: (handle) => plainUrl(urlsOf(handle)[0] ?? handle),
    async text(task, handle) {
      return unlessMissing(downloader.text(task, urlsOf(handle)).then(({ text }) => text))
    },
    async open(task, handle) {
      const answer = await unlessMissing(downloader.open(task, urlsOf(handle)))
      if (answer === undefined) return undefined
      const { url: place, sizeBytes, chunks } = answer
      return { place, sizeBytes, chunks, [Symbol.asyncDispose]: async () => answer[Symbol.asyncDispose]() }
    },
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((error: unknown) => {
    if (isNotServed(error)) return undefined
    throw error
  })
}

/** The handle below the base, whatever characters it has. Throws `LAGO_DOWNLOAD` when it leads elsewhere. */
function joinUrl(baseUrl: string, handle: string): string {
  const parts = handle.split('/')
  if (handle === '' || parts.some((part) => part === '..' || part === '.' || part === ''))
    throw new LagoError(
      'LAGO_DOWNLOAD',
      `template handle ${JSON.stringify(handle)} leads out of ${plainUrl(baseUrl)}`,
      {
        hint: 'a handle is a path relative to the "baseurl" of its source',
        data: { handle },
      },
    )
  return `${baseUrl.replace(/\/*$/, '/')}${parts.map(encodeURIComponent).join('/')}`
}
