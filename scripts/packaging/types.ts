/** What is asked of the packaging, and what it gives. */

export type PackageKind = 'npm' | 'source' | 'deb' | 'rpm' | 'srpm'

export const PACKAGE_KINDS: readonly PackageKind[] = ['npm', 'source', 'deb', 'rpm', 'srpm']

export interface BuiltPackage {
  readonly kind: PackageKind
  /** Absolute. */
  readonly path: string
  /** `el9`; of rpm and srpm. */
  readonly dist?: string
}

export interface PackagingOptions {
  /** The checkout, with its dependencies installed: absolute. */
  readonly projectDir: string
  /** Absolute, there, empty. */
  readonly outDir: string
  /** `X.Y.Z`. */
  readonly version: string
  /** `1` unless the same version is packaged anew. */
  readonly release: string
  /** For RPMs: `el9`, `fc42`. */
  readonly dists: readonly string[]
  /** Default: all. */
  readonly kinds?: readonly PackageKind[]
}
