/** Where other file systems are mounted at the start (fstab(5)); mount units of systemd are not looked at. */
import { plainLine } from '../../base/plain-text.js'
import type { ImageFiles } from './files.js'

/** More would be a hostile image's. */
const MAX_MOUNTS = 200

export async function readMountPoints(files: ImageFiles): Promise<readonly string[]> {
  const lines = ((await files.text('/etc/fstab')) ?? '').split('\n')
  const points = lines.map(mountPoint).filter((point) => point !== undefined)
  return [...new Set(points)].slice(0, MAX_MOUNTS)
}

function mountPoint(line: string): string | undefined {
  const [device = '#', point = '', , options = ''] = line.trim().split(/\s+/)
  if (device.startsWith('#') || !point.startsWith('/') || options.split(',').includes('noauto')) return undefined
  return plainLine(unescaped(point)).replace(/\/+$/, '') || undefined // the root itself
}

/** A space is `\040`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}
