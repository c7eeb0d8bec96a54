/** `scripts/release announce`: the mail about a release, printed, or sent once. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { domainToASCII } from 'node:url'
import { isLagoError, LagoError } from '../../src/base/errors.js'
import { withLock } from '../../src/base/lock.js'
import type { Task } from '../../src/base/task.js'
import { compareVersions } from '../../src/rpm/evr.js'
import { scriptCommand } from '../script-path.js'
import { announcementOf } from './announcement.js'
import { readSendings, writeSendings, type Sending } from './announced.js'
import { majorOf, stableChangelog, stableDir } from './layout.js'
import { composeMail, type Mail, type Mailbox } from './mail.js'
import type { MailServer } from './mail-server.js'
import { compareReleases } from './promotion-rules.js'
import { readAllReleases } from './release-info.js'
import { sendMail } from './smtp.js'
import { readTree, withTree } from './tree.js'
import type { Release } from './types.js'

export interface AnnounceOptions {
  /** Absolute. */
  readonly treeDir: string
  /** `X.Y.Z`; default: what was promoted last. */
  readonly version: string | undefined
  readonly from: Mailbox
  readonly to: readonly Mailbox[]
  readonly nowMs: number
}

/** The mail as text. Throws `LAGO_RELEASE_UNKNOWN` for a version that is not in stable. */
export async function announcementText(options: AnnounceOptions): Promise<string> {
  await readTree(options.treeDir)
  const message = await composeMail(await mailOf(options, await findRelease(options), 0))
  return message.toString('utf8').replaceAll('\r\n', '\n')
}

/**
 * Sends it, unless that was done before; `again` sends it once more. One at a time does that in a tree, which is free for others
 * while the server takes its time. Throws `LAGO_RELEASE_UNKNOWN`, `LAGO_ANNOUNCEMENT_UNSURE` when a run before was ended while it
 * sent it, `LAGO_LOCKED`, and what `sendMail` throws.
 */
export async function sendAnnouncement(
  task: Task,
  server: MailServer,
  options: AnnounceOptions & { readonly again: boolean },
): Promise<void> {
  const { treeDir } = options
  await readTree(treeDir)
  await findRelease(options)
  const [lockPath, what] = [path.join(treeDir, 'stable'), `the announcements of ${treeDir}`]
  await withLock(task, { path: lockPath, kind: 'directory', what, waitMs: WAIT_MS }, async () => {
    const begun = await withTree(task, treeDir, async () => begin(task, server, options))
    if (begun !== undefined) await send(task, server, { ...begun, treeDir })
  })
}

const WAIT_MS = 60_000

interface Begun {
  readonly mail: Mail
  readonly message: Buffer
  readonly sending: Sending
}

/** Notes that it is on its way; undefined: it was sent before. */
async function begin(
  task: Task,
  server: MailServer,
  options: AnnounceOptions & { readonly again: boolean },
): Promise<Begun | undefined> {
  const released = await findRelease(options)
  const { release } = released
  const dir = stableDir(options.treeDir, majorOf(release.version))
  const before = await readSendings(dir)
  const earlier = before.filter(({ version }) => version === release.version)
  if (earlier.length > 0 && !options.again) {
    tellEarlier(task, earlier, options.to)
    return undefined
  }
  const mail = await mailOf(options, released, earlier.length)
  const message = await composeMail(mail)
  const sending = sendingOf(release, server, mail)
  await writeSendings(dir, [sending, ...before])
  return { mail, message, sending }
}

/** By the last one of the release; those before it count for who has got it. */
function tellEarlier(task: Task, earlier: readonly Sending[], to: readonly Mailbox[]): void {
  const [last] = earlier
  if (last === undefined) return
  const { version, begunAt, isDone, messageId } = last
  if (!isDone)
    throw new LagoError(
      'LAGO_ANNOUNCEMENT_UNSURE',
      `whether ${version} was announced at ${begunAt} to ${last.to} is not known`,
      { hint: `look for ${messageId} in the archive of the list; --again sends it once more` },
    )
  task.log('info', `${version} was announced already: at ${begunAt}, to ${last.to}`)
  const reached = earlier.flatMap((sending) => (sending.isDone ? sending.to.split(', ') : []))
  const missing = to.map(({ address }) => address).filter((address) => !reached.includes(address))
  if (missing.length > 0) task.log('warning', `${missing.join(', ')}: not reached yet; --again sends it to all of --to`)
}

/** Until the server has answered; then what came of it is noted. */
async function send(
  task: Task,
  server: MailServer,
  { mail, message, sending, treeDir }: Begun & { readonly treeDir: string },
): Promise<void> {
  const envelope = { from: mail.from.address, to: mail.to.map(({ address }) => address) }
  let isHandedOver = false
  try {
    const onHandedOver = (): void => void (isHandedOver = true)
    const { rejected } = await sendMail(task, server, { message, envelope, onHandedOver })
    const to = envelope.to.filter((address) => !rejected.includes(address)).join(', ')
    await settle(task, treeDir, { sending, outcome: { ...sending, to, isDone: true } })
    if (rejected.length > 0) task.log('warning', `${server.name} did not take ${rejected.join(', ')}`)
    task.log('info', `announced ${sending.version} to ${to}`)
  } catch (error) {
    if (!isHandedOver || isLagoError(error, 'LAGO_MAIL_REFUSED'))
      await settle(task, treeDir, { sending, outcome: undefined })
    throw error
  }
}

/** Undefined: nobody has got it for certain, and it never was. */
async function settle(
  task: Task,
  treeDir: string,
  { sending, outcome }: { readonly sending: Sending; readonly outcome: Sending | undefined },
): Promise<void> {
  const dir = stableDir(treeDir, majorOf(sending.version))
  const note = async (): Promise<void> => {
    const others = (await readSendings(dir)).filter(({ messageId }) => messageId !== sending.messageId)
    await writeSendings(dir, outcome === undefined ? others : [outcome, ...others])
  }
  await task.shielded(2 * WAIT_MS, async (task) => withTree(task, treeDir, note))
}

function sendingOf({ version, release }: Release, server: MailServer, mail: Mail): Sending {
  const to = mail.to.map(({ address }) => address).join(', ')
  const begunAt = mail.date.toISOString()
  return { version, release, begunAt, to, server: server.name, messageId: mail.messageId, isDone: false }
}

interface Released {
  readonly release: Release
  readonly isFirstOfMajor: boolean
}

async function findRelease({ treeDir, version }: AnnounceOptions): Promise<Released> {
  const stables = await readAllReleases(treeDir)
  const releases = stables.flatMap((info) => info.releases)
  // clocks go wrong, and versions do not; between two X there are clocks alone
  const newest = stables.flatMap((info) => {
    const wanted = info.releases.filter((one) => version === undefined || one.version === version)
    return wanted.sort(compareReleases).slice(-1)
  })
  const release = newest.sort((a, b) => a.promotedAt.localeCompare(b.promotedAt)).at(-1)
  if (release !== undefined) return { release, isFirstOfMajor: !releases.some((one) => isBefore(one, release)) }
  const stable = path.join(treeDir, 'stable')
  if (releases.length === 0)
    throw new LagoError('LAGO_RELEASE_UNKNOWN', `there is no release in ${stable}`, {
      hint: `${scriptCommand('release')} promote makes one`,
    })
  throw new LagoError('LAGO_RELEASE_UNKNOWN', `${version} is not in ${stable}`, {
    hint: `there are ${[...new Set(releases.map((one) => one.version))].join(', ')}`,
  })
}

function isBefore(one: Release, { version }: Release): boolean {
  return majorOf(one.version) === majorOf(version) && compareVersions(one.version, version) < 0
}

/** The same release has the same message ID whoever sends it, so that lists that get it twice can tell. */
async function mailOf(
  { treeDir, from, to, nowMs }: AnnounceOptions,
  { release, isFirstOfMajor }: Released,
  earlierCount: number,
): Promise<Mail> {
  const { version, promotedAt, commit } = release
  const major = majorOf(version)
  const changelog = await readFile(path.join(stableDir(treeDir, major), stableChangelog(major)), 'utf8')
  const domain = domainToASCII(from.address.slice(from.address.lastIndexOf('@') + 1)) || 'localhost'
  const suffix = earlierCount === 0 ? '' : `.${earlierCount + 1}`
  return {
    ...announcementOf({ version, promotedAt, isFirstOfMajor, changelog }),
    from,
    to,
    date: new Date(nowMs),
    messageId: `lago-${version}-${release.release}.${commit.slice(0, 8)}${suffix}@${domain}`,
  }
}
