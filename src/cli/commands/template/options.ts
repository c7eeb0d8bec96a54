/** Options that say where templates are. On every verb they are the settings of `[init]`. */
import type { OptionSpec } from '../../command.js'

export const STORE_OPTION: OptionSpec = {
  name: 'template-store',
  type: 'string',
  help: 'directory that keeps fetched templates',
}

export const REPOSITORY_OPTIONS: readonly OptionSpec[] = [
  { name: 'template-repo-path', type: 'string', help: 'template repository file, or its URL' },
  { name: 'template-repo-name', type: 'string', help: 'name of a repository below --template-repos' },
  { name: 'template-repos', type: 'string', help: 'directory with template repository files' },
  { name: 'offline', type: 'flag', help: 'download nothing: what is on this host has to do' },
]
