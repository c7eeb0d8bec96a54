/** The repositories of a yum configuration that are meant, with their variables expanded and their options understood. */
import { unescape as decode } from 'node:querystring' // unlike decodeURIComponent it takes all there is
import { pathToFileURL } from 'node:url'
import { LagoError } from '../base/errors.js'
import { keepSecret } from '../base/secrets.js'
import { hostArch } from './arches.js'
import { yumConfigError, type YumConfig } from './yum-config.js'

export interface YumRepository {
  /** The name of the section, and of the directory that its packages go to. */
  readonly id: string
  /** What the name ends in: `el7`. */
  readonly distro: string
  /** Mirrors of http, https or file, in their order; empty where a list of mirrors is to be asked. */
  readonly baseUrls: readonly string[]
  readonly mirrorlist: string | undefined
  readonly metalink: string | undefined
  /** Patterns as of dnf's `includepkgs` and `excludepkgs`; no includes: all packages. */
  readonly includes: readonly string[]
  readonly excludes: readonly string[]
  /** `repo_gpgcheck`: the signature of the repodata shall be checked. */
  readonly isSigned: boolean
  /** Of the server's certificate; default true. */
  readonly verifiesTls: boolean
  /** Of the authorities that are trusted; default: the system's. */
  readonly caPath: string | undefined
  readonly user: { readonly name: string; readonly password: string } | undefined
  /** A URL, with its own user where there is one; `none`: also none of the environment. */
  readonly proxy: string | 'none' | undefined
  /** All of its section, expanded; `[main]`'s are not among them. */
  readonly options: ReadonlyMap<string, string>
}

export interface RepositoriesOptions {
  /** Of the machines: `el7`, `fc24`. */
  readonly distros: readonly string[]
  /** Default: this host's. */
  readonly arch?: string
}

/**
 * Those whose name ends in `-<distro>` for one of the distros: the text behind the last `-` counts. `enabled = 0` makes no
 * difference, as for `reposync --repoid`, and `[main]`, whose options hold for all of them, is none.
 *
 * `$basearch` and `$arch` are the architecture, `$releasever` the number at the end of the distro.
 * Throws `LAGO_YUM_CONFIG` naming file and section. None at all is no error here: see `noRepositoryError`. Spec 7.2.
 */
export function repositoriesFor(config: YumConfig, options: RepositoriesOptions): readonly YumRepository[] {
  return [...config.sections.keys()]
    .filter((id) => id !== 'main' && options.distros.includes(distroOf(id)))
    .map((id) => readRepository(config, id, options.arch ?? hostArch()))
}

/** `LAGO_NO_YUM_REPOSITORY`, for whoever cannot do without one. */
export function noRepositoryError({ configPath, sections }: YumConfig, distros: readonly string[]): LagoError {
  const ids = [...sections.keys()].filter((id) => id !== 'main')
  const endings = distros.map((distro) => `-${distro}`).join(', ') || 'no distro at all'
  return new LagoError(
    'LAGO_NO_YUM_REPOSITORY',
    `no matching repositories found in ${configPath}: looked for ${endings}`,
    {
      hint: ids.length === 0 ? 'it has no repositories' : `it has: ${ids.join(', ')}`,
      data: { path: configPath, distros, repositories: ids },
    },
  )
}

function distroOf(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1)
}

function readRepository(config: YumConfig, id: string, arch: string): YumRepository {
  const fail = (problem: string, hint?: string): LagoError =>
    yumConfigError(`${config.configPath}: [${id}] ${problem}`, {
      ...(hint === undefined ? {} : { hint }),
      data: { path: config.configPath, section: id },
    })
  // the name becomes that of a directory; dnf takes the same characters
  if (!/^[\w.:-]+$/.test(id) || /^\.+$/.test(id))
    throw fail('has a name that cannot be used', 'letters, digits and -_.: are possible')
  const variables = variablesOf(distroOf(id), arch)
  const options = mapValues(config.sections.get(id), (value) => expand(value, variables))
  const main = mapValues(config.sections.get('main'), (value) => expand(value, variables))
  const text = (...keys: string[]): string | undefined => valueOf(options, keys) ?? valueOf(main, keys)
  const own = (...keys: string[]): string | undefined => valueOf(options, keys)
  const bool = (key: string, byDefault: boolean): boolean => {
    const value = text(key)
    const truth = value === undefined ? byDefault : TRUTHS.get(value.toLowerCase())
    if (truth === undefined) throw fail(`has ${key} = ${value}, which is neither yes nor no`)
    return truth
  }
  const url = (key: string, value: string): string => {
    const unknown = /\$(\w+|\{\w+\})/.exec(value)?.[0]
    if (unknown !== undefined) throw fail(`has ${unknown} in its ${key}`, unknownHint(variables, distroOf(id)))
    if (value.startsWith('/')) return pathToFileURL(value).href
    if (!URL.canParse(value)) throw fail(`has a ${key} that is no URL`)
    keepPasswordOf(new URL(value))
    if (/^(https?|file):/i.test(value)) return value
    throw fail(`has a ${key} of the kind ${new URL(value).protocol}`, 'http, https and file are known')
  }
  const urlOf = (key: string): string | undefined => {
    const value = own(key)
    return value === undefined ? undefined : url(key, value)
  }
  const baseUrls = list(own('baseurl')).map((value) => url('baseurl', value))
  const [mirrorlist, metalink] = [urlOf('mirrorlist'), urlOf('metalink')]
  if (baseUrls.length === 0 && mirrorlist === undefined && metalink === undefined)
    throw fail('says nowhere where it is', 'give it a baseurl, a mirrorlist or a metalink')
  const [name, password] = [text('username'), text('password')]
  if (password !== undefined) keepSecret(password)
  return {
    id,
    distro: distroOf(id),
    baseUrls,
    mirrorlist,
    metalink,
    includes: [main, options].flatMap((place) => list(valueOf(place, ['includepkgs']))),
    excludes: [main, options].flatMap((place) => EXCLUDES.flatMap((key) => list(valueOf(place, [key])))),
    isSigned: bool('repo_gpgcheck', false),
    verifiesTls: bool('sslverify', true),
    caPath: text('sslcacert'),
    user: name === undefined ? undefined : { name, password: password ?? '' },
    proxy: proxyOf(text, fail),
    options,
  }
}

function keepPasswordOf({ password }: URL): void {
  if (password === '') return
  keepSecret(password)
  keepSecret(decode(password))
}

const EXCLUDES = ['exclude', 'excludepkgs']

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'yes', 'true', 'on'].map((word) => [word, true] as const),
  ...['0', 'no', 'false', 'off'].map((word) => [word, false] as const),
])

/** dnf.conf(5): words that mean no proxy. */
const NO_PROXY = ['', '_none_', 'none', 'no', '0', 'false']

function proxyOf(text: (key: string) => string | undefined, fail: (problem: string) => LagoError): string | undefined {
  const value = text('proxy')
  if (value === undefined) return undefined
  if (NO_PROXY.includes(value.toLowerCase())) return 'none'
  if (!/^\w+:\/\//.test(value) || !URL.canParse(value)) throw fail('has a proxy that is no URL')
  const proxy = new URL(value)
  const [user, password] = [text('proxy_username'), text('proxy_password')]
  if (user !== undefined) proxy.username = encodeURIComponent(user)
  if (password !== undefined) {
    keepSecret(password)
    proxy.password = encodeURIComponent(password)
  }
  return proxy.href
}

type Variables = ReadonlyMap<string, string>

function variablesOf(distro: string, arch: string): Variables {
  const release = /\d+$/.exec(distro)?.[0]
  return new Map([
    ['basearch', arch],
    ['arch', arch],
    ...(release === undefined ? [] : [['releasever', release] as const]),
  ])
}

/** What is not known stays, since only in a URL it does harm. */
function expand(value: string, variables: Variables): string {
  return value.replace(/\$(?:(\w+)|\{(\w+)\})/g, (text, name?: string, braced?: string) => {
    return variables.get(name ?? braced ?? '') ?? text
  })
}

function unknownHint(variables: Variables, distro: string): string {
  const known = [...variables].map(([name, value]) => `$${name} (${value})`).join(', ')
  return variables.has('releasever') ? `known are ${known}` : `known are ${known}; "${distro}" ends in no release`
}

function valueOf(options: ReadonlyMap<string, string>, keys: readonly string[]): string | undefined {
  return keys.map((key) => options.get(key)).find((value) => value !== undefined)
}

function list(value: string | undefined): string[] {
  return (value ?? '').split(/[\s,]+/).filter((word) => word !== '')
}

function mapValues(
  values: ReadonlyMap<string, string> | undefined,
  change: (value: string) => string,
): ReadonlyMap<string, string> {
  return new Map([...(values ?? [])].map(([key, value]) => [key, change(value)]))
}
