/** Options that say where templates are. On every verb they are the settings of `[init]`. */
import type { OptionSpec } from '../../command.js'

export const STORE_OPTION: OptionSpec = {
  name: 'template-store',
  type: 'string',
  complete: 'directory',
  help: 'directory that keeps fetched templates',
}

export const REPOSITORY_OPTIONS: readonly OptionSpec[] = [
  { name: 'template-repo-path', type: 'string', complete: 'file', help: 'template repository file, or its URL' },
  { name: 'template-repo-name', type: 'string', help: 'name of a repository below --template-repos' },
  { name: 'template-repos', type: 'string', complete: 'directory', help: 'directory with template repository files' },
  { name: 'offline', type: 'flag', help: 'download nothing: what is on this host has to do' },
]
