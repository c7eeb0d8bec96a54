import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { composeMail, mailboxesOf, mailboxOf, type Mail } from '../../../scripts/releasing/mail.js'

const MAIL: Mail = {
  subject: '[04-03-2026] New lago release - 2.0.3',
  body: 'Hello!\n',
  from: { name: 'Jane Doe', address: 'jane@example.org' },
  to: [{ name: '', address: 'list@example.org' }],
  date: new Date('2026-03-04T12:00:00Z'),
  messageId: 'lago-2.0.3@example.org',
}

interface ParsedMail {
  readonly subject: string
  readonly from: string
  readonly to: string
  readonly body: string
  readonly defects: readonly string[]
}

const PARSER = `
import email, email.policy, json, sys
def parsed(text):
    mail = email.message_from_bytes(text.encode('latin-1'), policy=email.policy.default)
    body = mail.get_payload(decode=True).decode(mail.get_content_charset('us-ascii')).replace('\\r\\n', '\\n')
    defects = [repr(defect) for name in mail for defect in mail[name].defects] + [repr(d) for d in mail.defects]
    return dict(subject=mail['subject'], to=str(mail['to']), body=body, defects=defects, **{'from': str(mail['from'])})
json.dump([parsed(text) for text in json.load(sys.stdin)], sys.stdout)
`

/** By Python's reader of mails, which shares nothing with the writer. */
function parsed(mails: readonly Buffer[]): readonly ParsedMail[] {
  const input = JSON.stringify(mails.map((mail) => mail.toString('latin1')))
  return JSON.parse(execFileSync('python3', ['-c', PARSER], { input, encoding: 'utf8' })) as readonly ParsedMail[] // as above
}

test('what is plain goes as it is, also lines of more than 76 characters', async () => {
  const body = `${'word '.repeat(30)}\n    * entry\n.\n`
  expect((await composeMail({ ...MAIL, body })).toString()).toBe(
    [
      'From: Jane Doe <jane@example.org>',
      'To: list@example.org',
      'Subject: [04-03-2026] New lago release - 2.0.3',
      'Message-ID: <lago-2.0.3@example.org>',
      'Date: Wed, 04 Mar 2026 12:00:00 +0000',
      'Content-Transfer-Encoding: 7bit',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      ...body.split('\n'),
    ].join('\r\n'),
  )
})

test('names and texts of all languages arrive, in lines that every server takes', async () => {
  const printable = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\p{C}/gu, ''))
  const body = fc.array(fc.oneof(printable, fc.constant('.'), fc.constant('From here'), fc.constant('x'.repeat(1200))))
  const samples = fc.sample(fc.record({ body, name: printable }), { numRuns: 200, seed: 7 })
  const mails = samples.map((sample) => ({
    ...MAIL,
    body: `${sample.body.join('\n')}\n`,
    from: { name: sample.name.replace(/\s+/g, ' ').trim(), address: 'jane@example.org' },
  }))
  const composed = await Promise.all(mails.map(composeMail))
  for (const message of composed)
    for (const line of message.toString('latin1').split('\r\n')) {
      expect(line.length).toBeLessThanOrEqual(998)
      expect(line).not.toMatch(/[\r\n\x80-\xff]/)
    }
  const readers = parsed(composed)
  expect(readers.map((mail) => mail.body)).toEqual(mails.map((mail) => mail.body))
  expect(readers.map((mail) => mail.subject)).toEqual(mails.map((mail) => mail.subject))
  expect(readers.flatMap((mail) => mail.to)).toEqual(mails.map(() => 'list@example.org'))
})

test('a name with marks in it arrives as it is', async () => {
  const from = mailboxOf('"Doe, Jäne (QA)" <jane@example.org>')
  expect(from).toEqual({ name: 'Doe, Jäne (QA)', address: 'jane@example.org' })
  const [mail] = parsed([await composeMail({ ...MAIL, from })])
  expect(mail).toMatchObject({ from: '"Doe, Jäne (QA)" <jane@example.org>', defects: [] })
})

test('several recipients have commas between them', () => {
  expect(mailboxesOf('a@example.org, Bo <b@example.org>')).toEqual([
    { name: '', address: 'a@example.org' },
    { name: 'Bo', address: 'b@example.org' },
  ])
})

test.each([
  '',
  'jane',
  'jane@',
  '<>',
  'a@b.c\nBcc: d@e.f',
  'a@b.c\r\n\r\nbody',
  'Jane\n <a@b.c>',
  'a@b.c, d',
  'a@b.c\0',
])('%j is refused', (given) => {
  expect(() => mailboxesOf(given)).toThrow(expect.objectContaining({ code: 'LAGO_MAIL_ADDRESS' }))
})

test('a mail has one sender', () => {
  expect(() => mailboxOf('a@b.c, d@e.f')).toThrow('one mail address is wanted, not "a@b.c, d@e.f"')
})
