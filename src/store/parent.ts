/** The template that a layer of another host needs, by the name `T:V` that it goes by there (spec 4.8). */

export interface ParentName {
  readonly template: string
  readonly version: string
}

/**
 * Undefined for a file that is not called so. Directories count for nothing: they are those of another host. In a store's
 * directory the repository stands in front, `/store/R:T:V`; without one it may be a protocol of qemu's.
 */
export function parentNameOf(backingPath: string): ParentName | undefined {
  const [, template, version] = /(?:^|\/|\/[^/:]+:)([^/:]+):([^/:]+)$/.exec(backingPath) ?? []
  return template === undefined || version === undefined ? undefined : { template, version }
}
