/** What dnf's `includepkgs` and `excludepkgs` match (dnf(8), "Specifying Packages"). */
import type { PackageName } from './package.js'

/**
 * Those that the pattern means. It is tried as name-epoch:version-release.arch, name.arch, name, name-version-release and
 * name-version, in this order, each part with `*`, `?` and `[...]`; the first form that meets any package counts. So `foo-*`
 * leaves foo itself out where there is a foo-libs.
 */
export function matching<P extends PackageName>(packages: readonly P[], pattern: string): readonly P[] {
  for (const form of FORMS) {
    const { groups } = form.exec(pattern) ?? {}
    if (groups === undefined) continue
    const parts = PARTS.flatMap((part) => {
      const glob = groups[part]
      return glob === undefined || glob === '*' ? [] : [[part, matcher(glob)] as const]
    })
    const found = packages.filter((entry) => parts.every(([part, matches]) => matches(String(entry[part]))))
    if (found.length > 0) return found
  }
  return []
}

const PARTS = ['name', 'epoch', 'version', 'release', 'arch'] as const satisfies readonly (keyof PackageName)[]

const NAME = '(?<name>[^:(/=<> ]+)'
const EPOCH = '(?:(?<epoch>\\d+):)?'
const VERSION = '(?<version>[^-:(/=<> ]+)'
const RELEASE = '(?<release>[^-:(/=<> ]+)'
const ARCH = '(?<arch>[^-:.(/=<> ]+)'

/** As of libdnf's nevra.cpp, most specific ones first. */
const FORMS = [
  `${NAME}-${EPOCH}${VERSION}-${RELEASE}\\.${ARCH}`,
  `${NAME}\\.${ARCH}`,
  NAME,
  `${NAME}-${EPOCH}${VERSION}-${RELEASE}`,
  `${NAME}-${EPOCH}${VERSION}`,
].map((form) => new RegExp(`^${form}$`))

/** fnmatch(3) without flags: a dot and a slash are as any other character. */
function matcher(glob: string): (text: string) => boolean {
  const source = glob.replace(/\[([!^]?)(\]?[^\]]*)\]|[^]/g, (token, not?: string, members?: string) => {
    if (members) return `[${not ? '^' : ''}${members.replace(/[\\\]^[]/g, '\\$&')}]`
    if (token === '*') return '.*'
    return token === '?' ? '.' : token.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
  })
  try {
    const expression = new RegExp(`^${source}$`, 's')
    return (text) => expression.test(text)
  } catch {
    return (text) => text === glob // a range that runs backwards
  }
}
