/** What a version looks like, and the release of a package of it. */

/** `X.Y.Z`, of numbers that are written in one way only and that every reader of packages can hold. */
export function isVersion(text: string): boolean {
  return /^(0|[1-9]\d{0,14})(\.(0|[1-9]\d{0,14})){2}$/.test(text)
}

/** The number behind the version in names of packages: 1, and more where the same version is packaged anew. */
export function isReleaseNumber(text: string): boolean {
  return /^[1-9]\d{0,14}$/.test(text)
}
