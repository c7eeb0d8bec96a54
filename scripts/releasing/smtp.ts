/** Sending a mail, by nodemailer. */
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { createTransport } from 'nodemailer'
import type { SMTPTransportOptions } from 'nodemailer/lib/smtp-transport'
import { LagoError, messageOf } from '../../src/base/errors.js'
import type { Task } from '../../src/base/task.js'
import type { MailServer } from './mail-server.js'

export interface SentMail {
  readonly message: Buffer
  /** Bare addresses. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  readonly onHandedOver: () => void
}

export interface Delivery {
  /** Recipients that the server did not take; it took at least one. */
  readonly rejected: readonly string[]
}

/**
 * Gives `message` to the server as it is. With a login nothing is said before the connection is encrypted; certificates are
 * checked always. `onHandedOver` is called when all of it is on its way: from then on it may be delivered although no answer comes.
 *
 * Throws `LAGO_MAIL_SERVER` when it cannot be spoken with, `LAGO_MAIL_CERTIFICATE` when it is not believed, `LAGO_MAIL_LOGIN` when it
 * does not take the password, `LAGO_MAIL_REFUSED` when it does not take the mail.
 */
export async function sendMail(
  task: Task,
  server: MailServer,
  { message, envelope, onHandedOver }: SentMail,
): Promise<Delivery> {
  const transport = createTransport(transportOptions(server))
  const raw = Readable.from([message], { objectMode: false })
  raw.on('end', onHandedOver)
  try {
    const sent = await transport.sendMail({
      raw,
      envelope: { from: envelope.from, to: [...envelope.to] },
      signal: task.signal,
    })
    return { rejected: sent.rejected }
  } catch (error) {
    task.signal.throwIfAborted()
    throw sendError(server, error)
  } finally {
    transport.close()
  }
}

function transportOptions({ host, port, isTls, login, ca, timeoutMs }: MailServer): SMTPTransportOptions {
  return {
    host,
    ...(port === undefined ? {} : { port }),
    secure: isTls,
    requireTLS: login !== undefined,
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
    tls: ca === undefined ? {} : { ca: [...rootCertificates, ca] },
    dnsTimeout: timeoutMs,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  }
}

/** nodemailer 10: what it adds to the errors of Node. */
interface MailError {
  readonly code?: string
  /** Of Node. */
  readonly originalCode?: string
  /** What the server said. */
  readonly response?: string
  readonly responseCode?: number
}

function sendError({ name, login }: MailServer, cause: unknown): LagoError {
  const { code = '', originalCode = '', response, responseCode } = cause as MailError // each of them may be missing
  const isPlain = code === 'ETLS' && login !== undefined && responseCode !== undefined
  const words = isPlain
    ? `it offers no STARTTLS (${response}), and no password is sent without`
    : (response ?? wordsOf(cause))
  const data = { server: name, responseCode }
  if (code === 'EAUTH')
    return new LagoError('LAGO_MAIL_LOGIN', `${name} does not let ${login?.user ?? 'anybody'} in: ${words}`, {
      data,
      cause,
    })
  if (/CERT|LEAF_SIGNATURE/.test(originalCode))
    return new LagoError('LAGO_MAIL_CERTIFICATE', `the certificate of ${name} is not believed: ${words}`, {
      hint: originalCode.includes('ALTNAME')
        ? 'name the server in --smtp as its certificate does'
        : 'name the file with the certificate of its authority with --ca-file',
      data,
      cause,
    })
  if (code === 'EENVELOPE' || code === 'EMESSAGE')
    return new LagoError('LAGO_MAIL_REFUSED', `${name} does not take the mail: ${words}`, { data, cause })
  return new LagoError('LAGO_MAIL_SERVER', `the mail could not be given to ${name}: ${words}`, {
    hint: 'see that it is the right server and port, and that it offers STARTTLS (smtp:) or TLS (smtps:)',
    data,
    cause,
  })
}

/** OpenSSL's own are `C0...:error:0A00010B:SSL routines:FUNCTION:REASON:FILE:LINE:`, and a line end. */
function wordsOf(error: unknown): string {
  const message = messageOf(error)
  return /:error:[^:]*:[^:]*:[^:]*:([^:]+):/.exec(message)?.[1] ?? message
}
