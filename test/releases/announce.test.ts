/** Announcing a release through real mail servers on loopback. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { sendAnnouncement } from '../../scripts/releasing/announce.js'
import { mailboxesOf, mailboxOf } from '../../scripts/releasing/mail.js'
import { mailServerOf } from '../../scripts/releasing/mail-server.js'
import { withTree } from '../../scripts/releasing/tree.js'
import { recordedTask } from '../helpers/recorded-task.js'
import { writeReleasedTree } from '../helpers/released-tree.js'
import { useMailServers, type MailServerSettings } from '../helpers/smtp-server.js'
import { useTempDirs } from '../helpers/temp-dir.js'

const PROGRAM = fileURLToPath(new URL('../../scripts/releasing/release.js', import.meta.url))
const PASSWORD = 'pass:w%rd'
const NOW = Date.parse('2026-03-05T08:00:00Z')
const CHANGES = { '2.0.3': 'Third', '2.0.2': 'Zweites: schöner', '2.0.0': 'Base', '1.0.0': 'Old' }

const run = promisify(execFile)
const makeTempDir = useTempDirs()
const makeServer = useMailServers()

let dir = ''
let tree = ''
beforeEach(async () => {
  dir = await makeTempDir()
  tree = path.join(dir, 'tree')
  const byAWrongClock = { version: '2.0.0', promotedAt: '2026-03-04T23:45:00.000Z' }
  await writeReleasedTree(tree, { releases: [{ version: '2.0.3' }, byAWrongClock], changes: CHANGES })
})

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function announce(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const inherited = {
    PATH: process.env['PATH'],
    HOME: dir,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  }
  return run(process.execPath, [PROGRAM, 'announce', tree, ...args], { env: { ...inherited, ...env }, cwd: dir }).then(
    (ended) => ({ exitCode: 0, ...ended }),
    (error: Ended & { readonly code: number }) => ({
      exitCode: error.code,
      stdout: error.stdout,
      stderr: error.stderr,
    }),
  )
}

interface Certificate {
  readonly caFile: string
  readonly tls: { readonly key: string; readonly cert: string }
}

async function certificateFor(name: string): Promise<Certificate> {
  const [keyPath, caFile] = [path.join(dir, 'key.pem'), path.join(dir, 'cert.pem')]
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=test', '-addext', `subjectAltName=${name}`, '-keyout', keyPath, '-out', caFile],
  ])
  return { caFile, tls: { key: await readFile(keyPath, 'utf8'), cert: await readFile(caFile, 'utf8') } }
}

const FROM_TO = ['--from', 'Jane Döe <jane@example.org>', '--to', 'list@example.org, dev@example.org']

test('without a server the mail is printed, and nobody is written to', async () => {
  const printed = await announce(['--from', 'jane@example.org'])
  expect(printed).toMatchObject({ exitCode: 0, stderr: '' })
  expect(printed.stdout).toMatch(/^From: jane@example.org\nSubject: \[04-03-2026\] New lago release - 2.0.3\n/)
  expect(printed.stdout).toContain('Here are the changes:\n    * Wed Mar 04 2026')
  expect(printed.stdout).not.toContain('1.0.0')
  const { port, received } = await makeServer()
  const dry = await announce([...FROM_TO, '--smtp', `smtp://127.0.0.1:${port}`, '--dry-run', '2.0.0'])
  expect(dry.stdout).toContain(
    'To: list@example.org, dev@example.org\nSubject: [04-03-2026] New lago release - 2.0.0\n',
  )
  expect(received).toEqual([])
})

test('a mail goes to a server once, as it is printed', async () => {
  const { port, received } = await makeServer()
  const args = [...FROM_TO, '--smtp', `smtp://127.0.0.1:${port}`]
  const sent = await announce(args)
  expect(sent).toMatchObject({
    exitCode: 0,
    stdout: '',
    stderr: '@ announced 2.0.3 to list@example.org, dev@example.org\n',
  })
  const printed = await announce(FROM_TO)
  const undated = (mail = ''): string => mail.replace(/^Date: .*/m, '')
  expect(undated(received[0]?.raw.replaceAll('\r\n', '\n'))).toBe(undated(printed.stdout))
  expect(received[0]).toMatchObject({ from: 'jane@example.org', to: ['list@example.org', 'dev@example.org'] })

  const next = await announce(args)
  expect(next).toMatchObject({ exitCode: 0, stdout: '' })
  expect(next.stderr).toMatch(/^@ 2.0.3 was announced already: at .*, to list@example.org, dev@example.org\n$/)
  expect(received).toHaveLength(1)
  expect(await announce([...args, '--again'])).toMatchObject({ exitCode: 0 })
  const ids = received.map(({ raw }) => /^Message-ID: (.*)\r$/im.exec(raw)?.[1])
  expect(ids).toEqual(['<lago-2.0.3-1.aaaaaaaa@example.org>', '<lago-2.0.3-1.aaaaaaaa.2@example.org>'])
  expect(await announce([...args, '2.0.0'])).toMatchObject({ exitCode: 0 })
  expect(received).toHaveLength(3)
})

describe('a password', () => {
  const netrc = `machine 127.0.0.1 login jane password "${PASSWORD}"\n`

  test.each([
    ['of the environment, by STARTTLS', 'smtp', { LAGO_SMTP_PASSWORD: PASSWORD }, ''],
    ['of ~/.netrc, by TLS', 'smtps', {}, netrc],
    [
      'of the environment before that of ~/.netrc',
      'smtps',
      { LAGO_SMTP_PASSWORD: PASSWORD },
      netrc.replace('pass', 'no'),
    ],
  ])('%s', async (_, scheme, env, text) => {
    await writeFile(path.join(dir, '.netrc'), text, { mode: 0o600 })
    const { caFile, tls } = await certificateFor('IP:127.0.0.1')
    const login = { user: 'jane', password: PASSWORD }
    const { port, received, passwords } = await makeServer({ tls, login, isTls: scheme === 'smtps' })
    const sent = await announce([...FROM_TO, '--smtp', `${scheme}://jane@127.0.0.1:${port}`, '--ca-file', caFile], env)
    expect(sent).toMatchObject({ exitCode: 0 })
    expect(received).toMatchObject([{ user: 'jane', isEncrypted: true }])
    expect(passwords).toEqual([PASSWORD])
    expect(
      `${sent.stdout}${sent.stderr}${await readFile(path.join(tree, 'stable/2.0/announced.json'), 'utf8')}`,
    ).not.toContain(PASSWORD)
  })

  test('that is wrong is told with the words of the server, and without itself', async () => {
    const { caFile, tls } = await certificateFor('IP:127.0.0.1')
    const { port, received } = await makeServer({ tls, login: { user: 'jane', password: 'other' } })
    const args = [...FROM_TO, '--smtp', `smtp://jane@127.0.0.1:${port}`, '--ca-file', caFile]
    const { exitCode, stderr } = await announce(args, { LAGO_SMTP_PASSWORD: PASSWORD })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/^smtp:\/\/127.0.0.1:\d+ does not let jane in: .*535.*who are you\? \[LAGO_MAIL_LOGIN\]\n$/)
    expect(stderr).not.toContain(PASSWORD)
    expect(stderr).not.toContain(Buffer.from(`\0jane\0${PASSWORD}`).toString('base64'))
    expect(received).toEqual([])
  })

  test('that nobody has told is asked for', async () => {
    expect((await announce([...FROM_TO, '--smtp', 'smtp://jane@127.0.0.1:1'])).stderr).toMatch(
      /^there is no password for jane at 127.0.0.1 \[LAGO_MAIL_PASSWORD\]\n {2}hint: set LAGO_SMTP_PASSWORD, or write/,
    )
  })

  test('goes to no server that does not encrypt', async () => {
    const { port, passwords, received } = await makeServer({ login: { user: 'jane', password: PASSWORD } })
    const error = await failure({ port, user: 'jane' })
    expect(error).toMatchObject({
      code: 'LAGO_MAIL_SERVER',
      message: expect.stringContaining('it offers no STARTTLS ('),
      hint: expect.stringContaining('STARTTLS'),
    })
    expect({ passwords, received }).toEqual({ passwords: [], received: [] })
  })

  test('on a command line is refused', async () => {
    const { stderr } = await announce([...FROM_TO, '--smtp', `smtp://jane:${PASSWORD}@127.0.0.1`])
    expect(stderr).toMatch(/does not belong on a command line, where others can read it \[LAGO_USAGE\]/)
    expect(stderr).not.toContain(PASSWORD)
  })
})

interface Target {
  readonly port: number
  readonly user?: string
  readonly caFile?: string
  readonly isTls?: boolean
  readonly timeoutMs?: number
  readonly again?: boolean
}

const recorded = recordedTask()

async function send({ port, user, caFile, isTls, timeoutMs = 10_000, again = false }: Target): Promise<void> {
  const { task } = recorded
  const url = `${isTls === true ? 'smtps' : 'smtp'}://${user === undefined ? '' : `${user}@`}127.0.0.1:${port}`
  const server = await mailServerOf(task, { url, caFile, timeoutMs, env: { LAGO_SMTP_PASSWORD: PASSWORD } })
  const [from, to] = [mailboxOf('jane@example.org'), mailboxesOf('list@example.org, dev@example.org')]
  await sendAnnouncement(task, server, { treeDir: tree, version: undefined, from, to, nowMs: NOW, again })
}

async function failure(target: Target): Promise<unknown> {
  return send(target).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('a certificate', () => {
  test.each([
    ['of an unknown authority', 'IP:127.0.0.1', false, '--ca-file'],
    ['of another host', 'DNS:mail.example.org', true, '--smtp'],
  ])('%s is not believed', async (_, name, isNamed, hint) => {
    const { caFile, tls } = await certificateFor(name)
    for (const isTls of [false, true]) {
      const { port, received } = await makeServer({ tls, isTls })
      const error = await failure({ port, isTls, ...(isNamed ? { caFile } : {}) })
      expect(error).toMatchObject({ code: 'LAGO_MAIL_CERTIFICATE', hint: expect.stringContaining(hint) })
      expect(received).toEqual([])
    }
  })
})

const silent: Server[] = []
afterEach(() => {
  for (const server of silent.splice(0)) server.close()
})

/** It takes connections and says nothing. */
async function silentPort(onConnection?: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  if (onConnection !== undefined) server.on('connection', onConnection)
  silent.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port // it listens on TCP
}

describe('a server that does not take the mail is told, and it can be sent again:', () => {
  const refusals: readonly [string, MailServerSettings, string, string][] = [
    [
      'no mail at all',
      { refuse: { mail: true, code: 554, words: 'smells of spam' } },
      'LAGO_MAIL_REFUSED',
      '554 smells of spam',
    ],
    ['not now', { refuse: { mail: true, code: 451, words: 'come again' } }, 'LAGO_MAIL_REFUSED', '451 come again'],
  ]
  test.each(refusals)('%s', async (_, settings, code, words) => {
    const { port } = await makeServer(settings)
    const error = await failure({ port })
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    const other = await makeServer()
    await send({ port: other.port })
    expect(other.received).toHaveLength(1)
  })

  test('nobody listens', async () => {
    const error = await failure({ port: 1 })
    expect(error).toMatchObject({ code: 'LAGO_MAIL_SERVER', message: expect.stringContaining('ECONNREFUSED') })
  })

  test('it does not speak TLS', async () => {
    const { port } = await makeServer()
    const error = await failure({ port, isTls: true })
    expect(error).toMatchObject({ code: 'LAGO_MAIL_SERVER', message: expect.stringMatching(/: wrong version number$/) })
  })

  test('it is silent', async () => {
    const error = await failure({ port: await silentPort(), timeoutMs: 100 })
    expect(error).toMatchObject({
      code: 'LAGO_MAIL_SERVER',
      message: expect.stringMatching(/timeout|never received/i),
    })
    const other = await makeServer()
    await send({ port: other.port })
    expect(other.received).toHaveLength(1)
  })
})

test('a recipient that the server does not take is a warning while there are others, and is told again', async () => {
  const { port, received } = await makeServer({ refuse: { recipient: 'dev@example.org', code: 550, words: 'who?' } })
  await send({ port })
  expect(received).toMatchObject([{ to: ['list@example.org'] }])
  expect(recorded.messages('warning')).toEqual([`smtp://127.0.0.1:${port} did not take dev@example.org`])
  expect(recorded.messages('info').at(-1)).toBe('announced 2.0.3 to list@example.org')
  await send({ port })
  expect(recorded.messages('info').at(-1)).toMatch(/^2.0.3 was announced already: at .*, to list@example.org$/)
  expect(recorded.messages('warning').at(-1)).toBe('dev@example.org: not reached yet; --again sends it to all of --to')
  expect(received).toHaveLength(1)
})

test('while a server takes its time the tree is free for others, and the next announcement waits', async () => {
  let connect: (socket: Socket) => void = () => undefined
  const connected = new Promise<Socket>((resolve) => (connect = resolve))
  const first = failure({ port: await silentPort(connect) })
  const socket = await connected
  await withTree(recorded.task, tree, async () => undefined, { waitMs: 0 })
  const other = await makeServer()
  const second = send({ port: other.port })
  await recorded.message(/^waiting for the announcements of /)
  socket.destroy()
  expect(await first).toMatchObject({ code: 'LAGO_MAIL_SERVER' })
  await second
  expect(other.received).toHaveLength(1)
})

test('when it is not known whether a mail arrived, it is not sent again unasked', async () => {
  const { port, received } = await makeServer({ hangsUp: true })
  expect(await failure({ port })).toMatchObject({ code: 'LAGO_MAIL_SERVER' })
  expect(received).toHaveLength(1)
  const other = await makeServer()
  const message =
    'whether 2.0.3 was announced at 2026-03-05T08:00:00.000Z to list@example.org, dev@example.org is not known'
  expect(await failure({ port: other.port })).toMatchObject({ code: 'LAGO_ANNOUNCEMENT_UNSURE', message })
  expect(other.received).toEqual([])
  await send({ port: other.port, again: true })
  await send({ port: other.port })
  expect(other.received).toHaveLength(1)
})

describe('what cannot be announced is told', () => {
  test.each([
    [['2.0.9'], /^2.0.9 is not in .*stable \[LAGO_RELEASE_UNKNOWN\]\n {2}hint: there are 2.0.3, 2.0.0\n$/],
    [['2.0.3\nBcc: x'], /^a version is X.Y.Z, not "2.0.3\\nBcc: x" \[LAGO_USAGE\]\n$/],
    [['--to', 'a@b.c\nBcc: d@e.f'], /^"a@b.c\\nBcc: d@e.f" is no mail address \[LAGO_MAIL_ADDRESS\]/],
    [['--smtp', 'smtp://127.0.0.1'], /^--smtp needs --to \[LAGO_USAGE\]/],
    [
      ['--to', 'a@b.c', '--smtp', 'smtp://%ff@127.0.0.1'],
      /^the user of --smtp is not encoded as URLs are: "%ff" \[LAGO_USAGE\]/,
    ],
    [
      ['--to', 'a@b.c', '--smtp', 'smtp://127.0.0.1', '--timeout', 'x'],
      /^--timeout takes a number of seconds \[LAGO_USAGE\]/,
    ],
    [['--to', 'a@b.c', '--smtp', 'http://127.0.0.1'], /^--smtp takes the URL of a mail server, not "http:/],
  ])('%j', async (args, stderr) => {
    expect(await announce(['--from', 'jane@example.org', ...args])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(stderr),
    })
  })

  test('a tree without releases', async () => {
    await mkdir(path.join(dir, 'other'))
    await writeFile(path.join(dir, 'other/tree.json'), '{"format":1}')
    tree = path.join(dir, 'other')
    expect((await announce(['--from', 'a@b.c'])).stderr).toMatch(/^there is no release in .* \[LAGO_RELEASE_UNKNOWN\]/)
  })

  test('nobody who would send it', async () => {
    expect((await announce([])).stderr).toMatch(/^who sends the mail is not known \[LAGO_USAGE\]/)
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: 'git@example.org' }
    expect((await announce([], env)).stdout).toMatch(/^From: git@example.org\n/)
  })

  test('notes that cannot be understood', async () => {
    await writeFile(path.join(tree, 'stable/2.0/announced.json'), '{"format":2}')
    expect(await failure({ port: 1 })).toMatchObject({ code: 'LAGO_RELEASE_TREE' })
    await writeFile(path.join(tree, 'stable/2.0/release.json'), '{"format":1,"releases":[{}]}')
    expect((await announce(['--from', 'a@b.c'])).stderr).toMatch(
      /release.json cannot be understood \[LAGO_RELEASE_TREE\]/,
    )
  })
})
