/** The `meta-data` of a NoCloud seed: which machine this is. */
import type { Identity } from '../types.js'
import { yamlText } from './yaml-text.js'

/** A guest that finds another `instanceId` than before takes itself for a new machine, and does everything anew. */
export function renderMetaData({ hostName }: Pick<Identity, 'hostName'>, instanceId: string): string {
  return yamlText({ 'instance-id': instanceId, 'local-hostname': hostName })
}
