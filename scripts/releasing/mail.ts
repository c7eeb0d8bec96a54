/** A mail as RFC 5322 and MIME want it. */
import MailComposer from 'nodemailer/lib/mail-composer'
import addressparser from 'nodemailer/lib/addressparser'
import { LagoError } from '../../src/base/errors.js'

export interface Mail {
  readonly subject: string
  /** Lines end with `\n`. */
  readonly body: string
  readonly from: Mailbox
  /** None: the header is left out. */
  readonly to: readonly Mailbox[]
  readonly date: Date
  /** Without angle brackets. */
  readonly messageId: string
}

export interface Mailbox {
  /** Empty: none. */
  readonly name: string
  readonly address: string
}

/** The whole of it, lines ended by CRLF, none longer than 998 bytes. */
export async function composeMail(mail: Mail): Promise<Buffer> {
  const body = mail.body.replaceAll('\n', '\r\n')
  if (!isPlain(mail.body)) return compose(mail, body)
  const short = await compose(mail, 'x') // nodemailer would break lines of more than 76 characters, which others then read
  const headers = short.subarray(0, short.indexOf('\r\n\r\n') + 4)
  return Buffer.concat([headers, Buffer.from(body)])
}

/** RFC 5322, 2.1.1; in ASCII a character is a byte. */
const LONGEST_LINE = 998

function isPlain(body: string): boolean {
  return /^[\t\n\x20-\x7e]*$/.test(body) && body.split('\n').every((line) => line.length <= LONGEST_LINE)
}

async function compose({ from, to, messageId, ...mail }: Mail, text: string): Promise<Buffer> {
  const options = { ...mail, text, from: { ...from }, to: to.map((box) => ({ ...box })), messageId: `<${messageId}>` }
  const guarded = { disableFileAccess: true, disableUrlAccess: true, textEncoding: 'quoted-printable' } as const
  return new MailComposer({ ...options, ...guarded }).compile().build()
}

/**
 * `a@example.org`, `Jane Doe <jane@example.org>`, or several with commas between them.
 * Throws `LAGO_MAIL_ADDRESS` for what is none; a line break in one would begin a header of somebody's choice.
 */
export function mailboxesOf(given: string): readonly Mailbox[] {
  const mailboxes = hasControls(given) ? [] : addressparser(given, { flatten: true })
  const isValid = mailboxes.length > 0 && mailboxes.every(({ address }) => ADDRESS.test(address ?? ''))
  if (isValid) return mailboxes.map(({ name = '', address = '' }) => ({ name, address }))
  throw new LagoError('LAGO_MAIL_ADDRESS', `${JSON.stringify(given)} is no mail address`, {
    hint: 'as in "Jane Doe <jane@example.org>"',
  })
}

/** Exactly one. Throws `LAGO_MAIL_ADDRESS`. */
export function mailboxOf(given: string): Mailbox {
  const [mailbox, ...others] = mailboxesOf(given)
  if (mailbox !== undefined && others.length === 0) return mailbox
  throw new LagoError('LAGO_MAIL_ADDRESS', `one mail address is wanted, not ${JSON.stringify(given)}`)
}

/** Enough to know a mailbox by: the server has the last word. */
const ADDRESS = /^[^\s@<>",;:]+@[^\s@<>",;:]+$/

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
