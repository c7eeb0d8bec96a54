/** What can be answered before anything is loaded: `lago --version`, in little more than bare node's time. */
import { lagoVersion } from '../base/version.js'

/** The text to print, or undefined when the whole program is needed. */
export function fastAnswer(argv: readonly string[]): string | undefined {
  return argv.length === 1 && argv[0] === '--version' ? versionText() : undefined
}

/** `family`: `lago ovirt --version` names it. */
export function versionText(family?: string): string {
  return `${['lago', family, lagoVersion()].filter(Boolean).join(' ')}\n`
}
