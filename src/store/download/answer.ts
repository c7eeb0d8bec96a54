import type { Exchange } from './exchange.js'

/** Where to ask, and the user's own URL that led there: only its origin is told who asks. */
export interface Place {
  readonly url: URL
  readonly askedUrl: URL
}

/** What a server said in the end. */
export interface Answer extends Exchange {
  /** Behind all redirects. */
  readonly place: Place
}
