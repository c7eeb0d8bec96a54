/** Asks for a URL: through the proxy that it needs, with the user's credentials, along redirects. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Got } from 'got'
import type { Task } from '../../base/task.js'
import type { Answer, Place } from './answer.js'
import { createCredentials } from './credentials.js'
import { exchange } from './exchange.js'
import { DownloadFailure } from './failure.js'
import type { DownloadLimits } from './limits.js'
import { plainUrl } from './plain-url.js'
import { proxyFor, type Variables } from './proxy.js'
import { checkAnswer } from './status.js'

export interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>
  /** Statuses that are answers, not failures. */
  readonly expected: readonly number[]
}

export interface HttpClient {
  /**
   * Throws a `DownloadFailure`, also for a status that is not expected, a body that is not as the file is, and redirects
   * that are too many, in a circle, or lead out of https.
   */
  get(task: Task, place: Place, request: HttpRequest): Promise<Answer>
}

const MOST_REDIRECTS = 8
const REDIRECTS = [301, 302, 303, 307, 308]

export function createHttpClient(got: Got, env: Variables, limits: DownloadLimits): HttpClient {
  const credentials = createCredentials(env)
  const ask = async (task: Task, { url, askedUrl }: Place, headers: HttpRequest['headers']): Promise<Answer> => {
    const isAsked = url.origin === askedUrl.origin
    const authorization = isAsked ? await credentials.authorizationFor(task, askedUrl) : undefined
    const options = {
      url,
      proxy: proxyFor(url, env),
      headers: authorization === undefined ? headers : { ...headers, authorization },
    }
    return { ...(await exchange(task, got, options, limits)), place: { url, askedUrl } }
  }
  return {
    async get(task, place, { headers, expected }) {
      const passed: URL[] = []
      for (let url = withoutUser(place.url); ;) {
        try {
          const answer = await ask(task, { ...place, url }, headers)
          if (!REDIRECTS.includes(answer.status)) return checkAnswer(answer, expected, limits.longestPauseMs)
          answer.close()
          const next = redirectOf(answer.headers, url, passed)
          task.log('debug', `redirected from ${plainUrl(url)} to ${plainUrl(next)}`)
          passed.push(url)
          url = next
        } catch (error) {
          const isTold = passed.length === 0 || !(error instanceof DownloadFailure)
          throw isTold ? error : error.about(`redirected to ${plainUrl(url)}`)
        }
      }
    },
  }
}

/** Nor with the fragment, which no server is told. */
function withoutUser(url: URL): URL {
  const bare = new URL(url)
  bare.username = bare.password = bare.hash = ''
  return bare
}

/** A redirect's own user and password, which are not the user's, are left out. */
function redirectOf({ location }: IncomingHttpHeaders, from: URL, before: readonly URL[]): URL {
  const target = Buffer.from(location ?? '', 'latin1').toString() // headers are bytes, and this one's are UTF-8
  if (target === '' || !URL.canParse(target, from.href)) throw redirectFailure('redirects, but not to a URL')
  const to = withoutUser(new URL(target, from))
  if (!['http:', 'https:'].includes(to.protocol)) throw redirectFailure(`redirects to a URL of the kind ${to.protocol}`)
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw redirectFailure(`redirects out of https to ${plainUrl(to)}, which anybody on the way could change`)
  const passed = [...before, from]
  if (passed.some(({ href }) => href === to.href))
    throw redirectFailure(`redirects in a circle: ${[...passed, to].map(plainUrl).join(' -> ')}`)
  if (passed.length > MOST_REDIRECTS) throw redirectFailure(`redirects more than ${MOST_REDIRECTS} times`)
  return to
}

function redirectFailure(found: string): DownloadFailure {
  return new DownloadFailure('redirect', `the server ${found}`, {
    hint: 'give the URL that it should lead to; or ask whoever runs the server',
    isFinal: true,
  })
}
