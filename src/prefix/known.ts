/** The register of this host's environments, as verbs keep it. It serves other verbs; none fails for its sake. */
import { LagoError, messageOf } from '../base/errors.js'
import type { Task } from '../base/task.js'
import { isHome, type RegisterEntry } from '../register/register.js'
import type { Host } from './host.js'

/** Also for an environment that was moved here, or made by another program. */
export async function noteEnvironment(task: Task, host: Host, entry: RegisterEntry): Promise<void> {
  try {
    const places = await host.register.find(entry.uuid)
    if (!places.some(({ dir }) => dir === entry.dir)) await host.register.note(entry)
  } catch (error) {
    task.log('debug', `${entry.dir} will not be in "lago list --all": ${messageOf(error)}`)
  }
}

/** The environment that `entry` is a copy of: the same uuid, known before, in another directory that is still there. */
export async function originalOf(host: Host, { uuid, dir }: RegisterEntry): Promise<string | undefined> {
  const places = await host.register.find(uuid).catch(() => [])
  if (places.some((place) => place.dir === dir)) return undefined
  for (const place of places) if (await isHome(place)) return place.dir
  return undefined
}

/** Throws `LAGO_PREFIX_COPY`: the machines and nets in libvirt are those of the original. */
export async function refuseCopy(host: Host, entry: RegisterEntry): Promise<void> {
  const original = await originalOf(host, entry)
  if (original === undefined) return
  throw new LagoError(
    'LAGO_PREFIX_COPY',
    `${entry.dir} is a copy of ${original}, and its machines would be the same ones`,
    {
      hint: `lago export makes an environment of its own; lago destroy deletes the files of the copy alone`,
      data: { dir: entry.dir, original },
    },
  )
}

/** And those that were in its directory before. */
export async function forgetEnvironment(task: Task, host: Host, entry: RegisterEntry): Promise<void> {
  const forget = async (): Promise<void> => {
    await host.register.forgetFormer(entry)
    await host.register.forget(entry)
  }
  await forget().catch((error: unknown) => {
    task.log('debug', `"lago gc" will find ${entry.dir} gone: ${messageOf(error)}`)
  })
}

/** What an `init` that was killed had noted of its directory. */
export async function forgetFormer(task: Task, host: Host, entry: RegisterEntry): Promise<void> {
  await host.register.forgetFormer(entry).catch((error: unknown) => {
    task.log('debug', `"lago gc" will find what was in ${entry.dir} before: ${messageOf(error)}`)
  })
}
