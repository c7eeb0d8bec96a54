/** A real mail server on loopback, for one test each. */
import { afterEach } from '@jest/globals'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Lines end with CRLF. */
  readonly raw: string
  readonly user: string | undefined
  readonly isEncrypted: boolean
}

export interface MailServerOnLoopback {
  readonly port: number
  readonly received: readonly ReceivedMail[]
  /** Passwords that were given, true or not. */
  readonly passwords: readonly string[]
}

export interface MailServerSettings {
  readonly tls?: { readonly key: string; readonly cert: string }
  /** TLS from the first byte on. */
  readonly isTls?: boolean
  readonly login?: { readonly user: string; readonly password: string }
  /** What it says to a recipient or to a mail instead of taking it. */
  readonly refuse?: {
    readonly recipient?: string
    readonly mail?: boolean
    readonly code: number
    readonly words: string
  }
  /** Ends the connection when it has got the whole mail, without a word. */
  readonly hangsUp?: boolean
}

/** Call at the top of a test file; the servers of a test end with it. */
export function useMailServers(): (settings?: MailServerSettings) => Promise<MailServerOnLoopback> {
  const open: SMTPServer[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return async (settings = {}) => {
    const received: ReceivedMail[] = []
    const passwords: string[] = []
    const hangUp = (): void => server.connections.forEach((connection) => connection.close())
    const server: SMTPServer = new SMTPServer(optionsOf(settings, { received, passwords, hangUp }))
    server.on('error', () => undefined) // of clients that go away, which is what some tests are about
    open.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { port: (server.server.address() as AddressInfo).port, received, passwords } // it listens on TCP
  }
}

interface Seen {
  readonly received: ReceivedMail[]
  readonly passwords: string[]
  readonly hangUp: () => void
}

function optionsOf(
  { tls, isTls = false, login, refuse, hangsUp = false }: MailServerSettings,
  { received, passwords, hangUp }: Seen,
): SMTPServerOptions {
  const refusal = (): Error => Object.assign(new Error(refuse?.words), { responseCode: refuse?.code })
  return {
    secure: isTls,
    ...(tls ?? {}),
    ...(tls === undefined ? { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] } : {}),
    logger: false,
    authOptional: login === undefined,
    disableReverseLookup: true,
    closeTimeout: 1,
    onAuth({ username, password }, _session, callback) {
      passwords.push(password ?? '')
      if (username === login?.user && password === login?.password) callback(null, { user: username })
      else callback(new Error(`no for ${Buffer.from(`\0${username}\0${password}`).toString('base64')}: who are you?`))
    },
    onRcptTo({ address }, _session, callback) {
      callback(refuse?.recipient === address ? refusal() : null)
    },
    onData(stream, session, callback) {
      const { mailFrom, rcptTo } = session.envelope
      void buffer(stream).then((raw) => {
        if (refuse?.mail === true) return callback(refusal())
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: raw.toString('utf8'),
          user: session.user as string | undefined,
          isEncrypted: session.secure,
        })
        if (hangsUp) hangUp()
        else callback()
      })
    },
  }
}
