/** What a version looks like. */

/** `X.Y.Z`, of numbers that are written in one way only and that every reader of packages can hold. */
export function isVersion(text: string): boolean {
  return /^(0|[1-9]\d{0,14})(\.(0|[1-9]\d{0,14})){2}$/.test(text)
}
