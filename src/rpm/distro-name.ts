/**
 * What a distribution may be called. The name comes from an init file or from the metadata of a template, which may be of
 * anybody, and becomes part of paths, of mock's options and of rpm's macros, in which `%(...)` is a command.
 */
import { LagoError } from '../base/errors.js'
import { plainLine } from '../base/plain-text.js'

/** Throws `LAGO_DISTRO_NAME`; `whose` names a VM, where it is known. */
export function requireDistroName(distro: string, whose?: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(distro)) return
  const owner = whose === undefined ? 'a distribution' : `the distribution of ${whose}`
  throw new LagoError('LAGO_DISTRO_NAME', `${owner} cannot be ${plainLine(JSON.stringify(distro), 80)}`, {
    hint: 'el7, fc24: letters, digits, ".", "_", "+" and "-"; mend "distro" in the init file, or in the metadata of the template',
    data: { ...(whose === undefined ? {} : { vm: whose }), distro },
  })
}
