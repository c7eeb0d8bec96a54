/** A package of an RPM repository, wherever its facts come from. */
export interface PackageName {
  readonly name: string
  /** 0 where a package names none. */
  readonly epoch: number
  readonly version: string
  readonly release: string
  /** `x86_64`, `noarch`; `src` for sources. */
  readonly arch: string
}

/** `bash-5.1.8-9.el9.x86_64`, as rpm prints it; the epoch only where it is not 0. */
export function nevra({ name, epoch, version, release, arch }: PackageName): string {
  return `${name}-${epoch === 0 ? '' : `${epoch}:`}${version}-${release}.${arch}`
}
