/** Which distribution a system is (os-release(5)). */
import { plainLine } from '../../base/plain-text.js'
import type { ImageFiles } from './files.js'

export interface OsRelease {
  /** `debian`, `fedora`, `alpine` */
  readonly id: string
  /** `12`; undefined where there are no versions. */
  readonly version: string | undefined
}

/** Undefined without such a file, as on EL 6. */
export async function readOsRelease(files: ImageFiles): Promise<OsRelease | undefined> {
  const text = (await files.text('/etc/os-release')) ?? (await files.text('/usr/lib/os-release'))
  if (text === undefined) return undefined
  return { id: valueOf(text, 'ID') ?? 'linux', version: valueOf(text, 'VERSION_ID') } // the default of os-release(5)
}

function valueOf(text: string, key: string): string | undefined {
  const raw = new RegExp(`^${key}=(["']?)(.*)\\1[ \\t]*$`, 'm').exec(text)?.[2]
  return raw === undefined || raw === '' ? undefined : plainLine(raw, 100)
}
