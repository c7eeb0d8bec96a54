/** Names of domains, nets and disks become parts of file names, libvirt names and host names. */
import { describeValue, errorAt, warningAt, type Finding, type Path } from './findings.js'
import { MAX_NAME_LENGTH, NAME_PATTERN } from './schema.js'

export function checkName(name: string, path: Path): Finding[] {
  if (NAME_PATTERN.test(name)) return []
  const allowed = `1 to ${MAX_NAME_LENGTH} letters, digits, ".", "_" or "-"`
  return [errorAt(path, `${describeValue(name)} cannot be a name: use ${allowed}, not "." or "-" first`, { at: 'key' })]
}

/** A VM's name is its host name as well; upstream does not mind one that is not valid, so this only warns. */
export function checkHostName(name: string, path: Path): Finding[] {
  if (!NAME_PATTERN.test(name) || isHostName(name)) return []
  return [warningAt(path, `${describeValue(name)} is not a valid host name: labels are letters, digits and inner "-"`)]
}

/** RFC 1123: labels of 1 to 63 letters, digits and inner hyphens, 253 characters together. */
export function isHostName(name: string): boolean {
  return (
    name.length <= 253 && name.split('.').every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label))
  )
}
