/** What a system is started by. */
import type { ImageFiles } from './files.js'

export type Init =
  /** Undefined: a version before 231, or one whose library has another name. */
  | { readonly kind: 'systemd'; readonly version: number | undefined }
  | { readonly kind: 'openrc' | 'upstart' | 'sysvinit' | 'busybox' | 'unknown' }

export async function readInit(files: ImageFiles): Promise<Init> {
  if (await isInit(files, ['/usr/lib/systemd/systemd', '/lib/systemd/systemd']))
    return { kind: 'systemd', version: await systemdVersion(files) }
  if (await files.hasAny('/sbin/openrc', '/usr/bin/openrc')) return { kind: 'openrc' } // started by busybox or sysvinit
  if (await isInit(files, ['/bin/busybox', '/usr/bin/busybox'])) return { kind: 'busybox' }
  if ((await files.has('/sbin/initctl')) && (await files.has('/etc/init'))) return { kind: 'upstart' }
  return { kind: (await files.has('/sbin/init')) && (await files.has('/etc/inittab')) ? 'sysvinit' : 'unknown' }
}

/** Both may be installed; what counts is where /sbin/init leads. */
async function isInit(files: ImageFiles, programs: readonly string[]): Promise<boolean> {
  const init = await files.find('/sbin/init')
  if (init === undefined) return false
  for (const program of programs) if ((await files.find(program))?.number === init.number) return true
  return false
}

/** Since version 231 the programs of systemd share a library whose name has the version in it, on every distribution. */
async function systemdVersion(files: ImageFiles): Promise<number | undefined> {
  for (const dir of await libraryDirs(files))
    for (const name of await files.names(dir)) {
      const version = /^libsystemd-shared-(\d{3,4})(?!\d).*\.so$/.exec(name)?.[1]
      if (version !== undefined) return Number(version)
    }
  return undefined
}

/** Fedora and older Debian; Debian since version 13. */
async function libraryDirs(files: ImageFiles): Promise<readonly string[]> {
  const triplets = (await files.names('/usr/lib')).filter((name) => /^\w+-linux-gnu\w*$/.test(name))
  return ['/usr/lib/systemd', '/lib/systemd', ...triplets.slice(0, 10).map((name) => `/usr/lib/${name}/systemd`)]
}
