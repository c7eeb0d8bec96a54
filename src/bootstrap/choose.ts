/** Which way of telling a machine its name and its owner's key fits its image. Pure. */
import { createRegistry } from '../base/registry.js'
import type { ImageFacts, SystemFacts, UnreadableImage } from './image-facts.js'
import type { BootstrapStrategy } from './types.js'

export interface StrategyHints {
  /** `bootstrap` in the template's metadata: a strategy, or `auto`; undefined: it does not say. */
  readonly named: string | undefined
}

export interface StrategyChoice {
  readonly strategy: BootstrapStrategy
  /** One line for people: `cloud-init is in the image and enabled`. */
  readonly reason: string
}

const STRATEGIES: Readonly<Record<BootstrapStrategy, true>> = {
  'cloud-init': true,
  inject: true,
  agent: true,
  guestfs: true,
  credentials: true,
  none: true,
}

const NAMES = createRegistry(
  'bootstrap',
  [...Object.keys(STRATEGIES), 'auto'].map((name) => [name, name] as const),
)

/**
 * In this order:
 *
 * 1. What the template's metadata names: whoever made the image knows.
 * 2. `cloud-init`, when it will run: such images are made to be finished by it. It also makes the user that people log in
 *    as, grows the root file system and makes host keys, which `inject` would leave undone by switching it off.
 * 3. `inject`, when files can be written and what they do at the start is known: it takes a tenth of a second, and the
 *    machine has its name, key and network from the first moment.
 * 4. `agent`: needs nothing of the image's disk, but the machine is up before it has its name.
 * 5. `guestfs`: copes with nearly everything, and starts a small machine for it, half a minute under emulation; libguestfs
 *    may not be installed.
 *
 * An image with nothing on it that is known, such as one of another kind of system, gets `credentials`, which change
 * nothing; `none` is only ever named.
 * Throws `LAGO_UNKNOWN_KIND` for a name that is none.
 */
export function chooseStrategy(facts: ImageFacts, hints: StrategyHints): StrategyChoice {
  const named = hints.named === undefined ? 'auto' : NAMES.get(hints.named)
  if (isStrategy(named)) return { strategy: named, reason: 'the metadata of the template names it' }
  if (facts.rootFs === undefined) return chooseUnseen(facts)
  const { system } = facts
  if (system.cloudInit === 'enabled')
    return { strategy: 'cloud-init', reason: 'cloud-init is in the image and enabled' }
  const hindrance = facts.rootFs.whyNotWritable ?? whyNotInject(system)
  if (hindrance === undefined)
    return { strategy: 'inject', reason: `files can be written into the image (${CLOUD_INIT[system.cloudInit]})` }
  if (system.hasGuestAgent)
    return { strategy: 'agent', reason: `the guest agent is in the image; no files are written, for ${hindrance}` }
  return { strategy: 'guestfs', reason: `no files are written, for ${hindrance}; and there is no guest agent` }
}

/** Throws `LAGO_UNKNOWN_KIND` unless a template may name it. */
export function checkStrategyName(name: string): void {
  NAMES.get(name)
}

function chooseUnseen({ why, contents }: UnreadableImage): StrategyChoice {
  if (contents.length === 0) return { strategy: 'credentials', reason: 'nothing that is known is on the image' }
  return { strategy: 'guestfs', reason: `the image cannot be looked at: ${why}` }
}

function isStrategy(name: string): name is BootstrapStrategy {
  return Object.hasOwn(STRATEGIES, name)
}

const CLOUD_INIT = {
  absent: 'cloud-init is not in it',
  disabled: 'cloud-init in it is disabled',
  'other-sources': 'cloud-init in it does not look for a NoCloud seed',
} as const

/** Where what is written would not be found at the start, or would not be obeyed. */
function whyNotInject({ init, network, seLinux, mountPoints }: SystemFacts): string | undefined {
  if (seLinux === 'enforcing') return 'SELinux would enforce labels that new files do not have'
  if (init.kind === 'unknown') return 'what starts the system is not known'
  // small systems of busybox bring their nics up by scripts of their own
  if (network === 'none' && init.kind !== 'busybox') return 'what configures its network is not known'
  const hidden = mountPoints.find((point) => HOLDS_OURS.includes(point))
  return hidden === undefined ? undefined : `${hidden} is on a file system of its own`
}

const HOLDS_OURS: readonly string[] = ['/etc', '/root']
