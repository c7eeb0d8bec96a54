/** The options that stand before the verb: those of the configuration, `--help` and `--version` (spec 1.2). */
import { LAGO_SETTINGS } from '../config/defaults.js'
import type { Setting } from '../config/defaults.js'
import type { Completion, OptionSpec } from './command.js'

export interface GlobalOption extends OptionSpec {
  /** Shown in the help text. */
  readonly default?: string
}

export const HELP_OPTION: OptionSpec = { name: 'help', short: 'h', type: 'flag', help: 'show this help and exit' }

const DIRECTORIES: readonly string[] = ['prefix_path', 'workdir_path', 'lease_dir', 'reposync_dir']

export const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  ...LAGO_SETTINGS.flatMap(({ key, option, short, type, choices, default: value, help }): GlobalOption[] => {
    if (option === undefined) return []
    return [
      {
        name: option,
        type: type === 'int' || type === 'flag' ? type : 'string',
        help: key.endsWith('_password')
          ? `${help}; ps shows it: rather set LAGO_${key.toUpperCase()}, or a file`
          : help,
        ...(short === undefined ? {} : { short }),
        ...(choices === undefined ? {} : { choices }),
        ...completed(key, type),
        ...(value === undefined || type === 'flag' ? {} : { default: value }),
      },
    ]
  }),
  { name: 'version', type: 'flag', help: 'show the version and exit' },
  HELP_OPTION,
]

function completed(key: string, type: Setting['type']): { readonly complete?: Completion } {
  if (key === 'prefix_name') return { complete: 'prefix' }
  if (type !== 'path') return {}
  return { complete: DIRECTORIES.includes(key) ? 'directory' : 'file' }
}

/** The key under which files and environment know an option: `--ssh-user` is `ssh_user`. */
export function keyOf(option: string): string {
  return option.replaceAll('-', '_')
}
