/** The links to packages on a page of a web server: a listing of a directory, or whatever somebody has put there. */
import type { Task } from '../base/task.js'
import type { Downloader } from '../store/download/types.js'

/** A server that makes up pages as it is asked has no end. */
const MOST_PAGES = 1000

/**
 * In the order of the pages, each once; other servers' too, sources not. With `isRecursive` also of the pages below this one that it
 * links to. Throws `LAGO_DOWNLOAD`, `LAGO_OFFLINE`.
 */
export async function findPackageLinks(
  task: Task,
  { url, isRecursive }: { readonly url: URL; readonly isRecursive: boolean },
  downloader: Downloader,
): Promise<URL[]> {
  const packages = new Map<string, URL>()
  const start = asPage(url)
  const pages = new Map([[start.href, start]])
  for (const page of pages.values()) {
    const { text = '' } = await downloader.text(task, [page === start ? url.href : page.href])
    for (const link of linksOf(text, page)) {
      if (/\.rpm$/.test(link.pathname)) {
        if (!link.pathname.endsWith('.src.rpm')) packages.set(link.href, link)
      } else if (isRecursive && isBelow(link, start) && pages.size < MOST_PAGES) pages.set(link.href, link)
    }
  }
  return [...packages.values()]
}

/** A directory's page has a slash at its end, whether or not it was given: links are relative to it. */
function asPage(url: URL): URL {
  const page = new URL(url)
  page.hash = page.search = ''
  if (!/(\/|\.(html?|php))$/i.test(page.pathname)) page.pathname += '/'
  return page
}

function linksOf(html: string, page: URL): URL[] {
  return [...html.matchAll(/\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/gi)].flatMap(([, ...forms]) => {
    const text = forms.find((form) => form !== undefined)?.replaceAll('&amp;', '&') ?? ''
    if (!URL.canParse(text, page.href)) return []
    const link = new URL(text, page)
    link.hash = ''
    return ['http:', 'https:'].includes(link.protocol) ? [link] : []
  })
}

function isBelow(link: URL, start: URL): boolean {
  const dir = start.pathname.slice(0, start.pathname.lastIndexOf('/') + 1)
  return (
    link.origin === start.origin && link.search === '' && link.pathname.endsWith('/') && link.pathname.startsWith(dir)
  )
}
