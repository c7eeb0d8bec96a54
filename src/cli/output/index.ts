/** The output formats by name. Each turns a verb's answer into text without a final line end. */
import { createRegistry, type Registry } from '../../base/registry.js'
import { formatDefault } from './default.js'
import { formatFlat } from './flat.js'
import { formatJson } from './json.js'

export type OutputFormat = (value: unknown) => string

/** Loaders, so that a run does not pay for libraries of formats that it does not print. */
export const outputFormats: Registry<() => Promise<OutputFormat>> = createRegistry('output format', [
  ['default', async () => formatDefault],
  ['flat', async () => formatFlat],
  ['json', async () => formatJson],
  ['yaml', async () => (await import('./yaml.js')).formatYaml],
])
