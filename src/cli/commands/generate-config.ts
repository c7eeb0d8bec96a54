import type { DocumentedSection, DocumentedSetting } from '../../config/generate.js'
import type { Setting } from '../../config/defaults.js'
import type { CommandSpec, OptionSpec } from '../command.js'
import { keyOf } from '../global-options.js'

/** `verbs` are those whose options are settings as well. */
export function generateConfigVerb(verbs: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: 'generate-config',
    summary: 'Print a configuration file with all settings as they are in effect',
    example: 'lago generate-config > lago.conf',
    args: [],
    options: [{ name: 'verbose', type: 'flag', help: 'add settings without a value, and where each value came from' }],
    async run({ task, config, args }) {
      const { generateConfig, isPasswordKey } = await import('../../config/generate.js')
      const sections = await documentedSections(verbs())
      const text = generateConfig(config, { sections, now: new Date(), verbose: args.flag('verbose') })
      const own = Object.keys(config.section('lago')).filter((key) => config.originOf(key) !== 'default')
      const passwords = own.filter(isPasswordKey)
      if (passwords.length > 0)
        task.log(
          'warning',
          `the output has passwords in it (${passwords.join(', ')}): keep it where only you can read it`,
        )
      return { text }
    },
  }
}

async function documentedSections(verbs: readonly CommandSpec[]): Promise<DocumentedSection[]> {
  const { INIT_SETTINGS, LAGO_SETTINGS } = await import('../../config/defaults.js')
  const ofVerbs = verbs.map(({ name, options }): DocumentedSection => {
    const settings = name === 'init' ? documented(INIT_SETTINGS) : []
    const others = options.map(ofOption).filter(({ key }) => !settings.some((setting) => setting.key === key))
    return { name, settings: [...settings, ...others] }
  })
  return [{ name: 'lago', settings: documented(LAGO_SETTINGS) }, ...ofVerbs]
}

function documented(settings: readonly Setting[]): DocumentedSetting[] {
  return settings.map(({ key, help, choices }) => ({ key, help: withChoices(help, choices) }))
}

function ofOption({ name, help, choices }: OptionSpec): DocumentedSetting {
  return { key: keyOf(name), help: withChoices(help, choices) }
}

function withChoices(help: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? help : `${help}: ${choices.join(', ')}`
}
