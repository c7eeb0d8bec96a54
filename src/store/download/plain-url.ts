/** A URL as it may be shown: without user, password and what may be a token. */
export function plainUrl(url: string): string {
  try {
    const parsed = new URL(url)
    parsed.username = ''
    parsed.password = ''
    if (parsed.search !== '') parsed.search = '?...'
    return parsed.toString()
  } catch {
    return url.replace(/\/\/[^/@]*@/, '//')
  }
}
