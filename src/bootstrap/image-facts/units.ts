/** What systemd starts (systemd.unit(5)). */
import type { ImageFiles } from './files.js'

const UNIT_DIRS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'] as const

/** Whether one of the targets wants the unit, and nobody has masked it. */
export async function isEnabled(files: ImageFiles, unit: string, targets: readonly string[]): Promise<boolean> {
  if ((await files.linkTarget(`${UNIT_DIRS[0]}/${unit}`)) === '/dev/null') return false
  for (const dir of UNIT_DIRS)
    for (const target of targets) if ((await files.names(`${dir}/${target}.wants`)).includes(unit)) return true
  return false
}

/** The path of a unit that a package has brought. */
export async function findUnit(files: ImageFiles, unit: string): Promise<string | undefined> {
  for (const dir of UNIT_DIRS.slice(1)) if (await files.has(`${dir}/${unit}`)) return `${dir}/${unit}`
  return undefined
}
