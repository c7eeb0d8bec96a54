/** How each of oVirt's projects is built (spec 7.2, step 4). */

export type Project = 'vdsm' | 'ovirt-engine' | 'vdsm-jsonrpc-java' | 'ioprocess'

export interface ProjectRules {
  /** Of `lago ovirt reposetup`, without dashes: names the source tree. */
  readonly option: string
  /** Whose machines install it. */
  readonly for: 'engine' | 'hosts'
  /** From a source tree to an archive in it. */
  readonly commands: readonly [readonly [string, ...string[]], ...(readonly [string, ...string[]])[]]
  /** Macros for the build of the packages. */
  defines(withGwt: boolean): readonly string[]
  /** Variables for all of it. */
  env(withGwt: boolean): Readonly<Record<string, string>>
}

const MAKE_DIST = ['make', 'dist'] as const
const none = (): readonly string[] => []
/** Tests of these projects need more of a host than a build has. */
const withoutTests = (): Readonly<Record<string, string>> => ({ NOSE_EXCLUDE: '.*' })

/** In the order in which their packages win over others. */
export const PROJECT_RULES: Readonly<Record<Project, ProjectRules>> = {
  vdsm: {
    option: 'vdsm-dir',
    for: 'hosts',
    commands: [['./autogen.sh', '--system'], MAKE_DIST],
    defines: none,
    env: withoutTests,
  },
  'ovirt-engine': {
    option: 'engine-dir',
    for: 'engine',
    commands: [MAKE_DIST],
    defines: (withGwt) => ['ovirt_build_minimal 1', `ovirt_build_gwt ${withGwt ? 1 : 0}`],
    env: (withGwt) => ({ BUILD_GWT: withGwt ? '1' : '0' }),
  },
  'vdsm-jsonrpc-java': {
    option: 'vdsm-jsonrpc-java-dir',
    for: 'engine',
    commands: [['./autogen.sh'], ['./configure', '--with-dist-only'], MAKE_DIST],
    defines: none,
    env: () => ({}),
  },
  ioprocess: {
    option: 'ioprocess-dir',
    for: 'hosts',
    commands: [['./autogen.sh'], ['./configure'], MAKE_DIST],
    defines: none,
    env: withoutTests,
  },
}

export const PROJECTS: readonly Project[] = Object.keys(PROJECT_RULES) as Project[] // as the record is typed

/** The configuration of mock; for el6 and el7 the engine's projects have one of their own, with Java. */
export function mockRoot(project: Project, distro: string): string {
  const [, kind, version = ''] = /^(el|fc)(\d+)$/.exec(distro) ?? []
  if (kind === 'fc') return `fedora-${version}-x86_64`
  if (kind === undefined) return distro
  const isOwn = PROJECT_RULES[project].for === 'engine' && ['6', '7'].includes(version)
  return `epel-${version}-x86_64${isOwn ? '_ovirt' : ''}`
}
