/** Commands that mend what a check has found, in a form that can be pasted; some may be run by `--fix`. */
import { quoteWords } from '../guest/quote.js'
import type { HostFacts } from './facts.js'

export interface Remedy {
  /** One line for a shell, with `sudo` where the user needs it. */
  readonly command: string
  /**
   * The same as argument lists, where it is safe to have it run without a question: it can be taken back, opens nothing
   * to others than qemu's user, fetches nothing and ends nothing.
   */
  readonly safe?: readonly Argv[]
}

export type Argv = readonly [string, ...string[]]

/** Who gives the command, and what its system is like. */
export type Giver = Pick<HostFacts, 'me'>

/** What root is needed for. */
export function byRoot(giver: Giver, ...argvs: readonly Argv[]): Remedy {
  return { command: argvs.map((argv) => quoteWords(asRoot(giver, argv))).join(' && ') }
}

/** The same, safe to run. With `sudo` it never asks for a password: then it fails, and is for the user to paste. */
export function safeByRoot(giver: Giver, ...argvs: readonly Argv[]): Remedy {
  const withoutQuestion = (argv: Argv): Argv => (giver.me.uid === 0 ? argv : ['sudo', '-n', ...argv])
  return { ...byRoot(giver, ...argvs), safe: argvs.map(withoutQuestion) }
}

/** Safe to run, with the rights that the user has. */
export function safeByUser(...argvs: readonly Argv[]): Remedy {
  return { command: argvs.map(quoteWords).join(' && '), safe: argvs }
}

/** A line for a shell, as it is. */
export function byHand(command: string): Remedy {
  return { command }
}

/** `text` goes to the end of a file of root's. */
export function appended(giver: Giver, text: string, filePath: string): string {
  return `echo ${quoteWords([text])} | ${quoteWords(asRoot(giver, ['tee', '-a', filePath]))}`
}

function asRoot({ me }: Giver, argv: Argv): Argv {
  return me.uid === 0 ? argv : ['sudo', ...argv]
}

/** Package names of the two families that are known. */
export interface PackageNames {
  readonly apt: string
  readonly dnf: string
}

/** Installs packages by the host's own tool. On a distribution of neither family the packages are named in both words. */
export async function install(
  facts: Giver & Pick<HostFacts, 'readFile'>,
  packages: readonly PackageNames[],
): Promise<Remedy> {
  const family = await distributionFamily(facts)
  const names = (tool: keyof PackageNames): string[] => [
    ...new Set(packages.flatMap((names) => names[tool].split(' '))),
  ]
  if (family === 'apt') return byRoot(facts, ['apt-get', 'install', '--yes', ...names('apt')])
  if (family === 'dnf') return byRoot(facts, ['dnf', 'install', '--assumeyes', ...names('dnf')])
  return byHand(
    `# install: ${names('apt').join(' ')} (as Debian calls them), ${names('dnf').join(' ')} (as Fedora does)`,
  )
}

/** os-release(5): the distribution itself, then those that it is like. */
export async function distributionFamily(facts: Pick<HostFacts, 'readFile'>): Promise<keyof PackageNames | undefined> {
  const text = (await facts.readFile('/etc/os-release')) ?? (await facts.readFile('/usr/lib/os-release')) ?? ''
  const words = ['ID', 'ID_LIKE'].flatMap((key) => {
    const [, value = ''] = new RegExp(`^${key}=["']?([^"'\n]*)`, 'm').exec(text) ?? []
    return value.split(/\s+/)
  })
  if (words.some((word) => APT.includes(word))) return 'apt'
  return words.some((word) => DNF.includes(word)) ? 'dnf' : undefined
}

const APT: readonly string[] = ['debian', 'ubuntu']
const DNF: readonly string[] = ['fedora', 'rhel', 'centos']
