/** libvirt's failures as errors that a user can act on. */
import { LagoError, messageOf, NO_SPACE_HINT, type LagoErrorOptions } from '../base/errors.js'
import { LIBVIRT_LIBRARY, VIR_ERR_AUTH_CANCELLED, VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_UNAVAILABLE } from './constants.js'
import type { LoopRequest } from './loop-protocol.js'
import type { LaneCall, LaneFailure, LibvirtFailure } from './protocol.js'

/** What was asked of libvirt. */
export type LibvirtCall = LaneCall | LoopRequest

/** True for an error of libvirt with this number of `constants.ts`. */
export function isLibvirtError(error: unknown, code: number): error is LagoError {
  return error instanceof LagoError && error.data['libvirtCode'] === code
}

/**
 * `LAGO_LIBVIRT_CONNECT` without a connection, `LAGO_NO_SPACE` when the disk is full, else `LAGO_LIBVIRT`.
 *
 * `data` has `uri` (without a password), `call` (the C function), `libvirtCode`, `libvirtDomain` and libvirt's own
 * `libvirtMessage`; `object` names the domain or network that was asked for; `deniedPath` is the file that qemu or
 * libvirt was not allowed to open.
 */
export function toLagoError(failure: LaneFailure, uri: string, call: LibvirtCall): LagoError {
  const place = withoutPassword(uri)
  switch (failure.kind) {
    case 'noLibrary':
      return new LagoError('LAGO_LIBVIRT_CONNECT', `could not load ${LIBVIRT_LIBRARY}: ${oneLine(failure.message)}`, {
        hint: 'install the package libvirt0 (Debian, Ubuntu) or libvirt-libs (Fedora, RHEL)',
        data: { uri: place },
      })
    case 'noConnection':
      return new LagoError(
        'LAGO_LIBVIRT_CONNECT',
        `no connection to libvirt at ${place}: ${oneLine(failure.message)}`,
        {
          hint: connectHint(failure),
          data: factsOf(failure, place),
        },
      )
    case 'call':
      return callError(failure, place, call)
  }
}

/** The thread of a lane ended while it was working on `call`. */
export function laneDied(call: LibvirtCall, uri: string, cause: unknown): LagoError {
  const why = cause === undefined ? '' : `: ${oneLine(messageOf(cause))}`
  return new LagoError('LAGO_LIBVIRT', `the libvirt thread ended while it should ${taskOf(call)}${why}`, {
    data: { uri: withoutPassword(uri) },
    ...(cause === undefined ? {} : { cause }),
  })
}

function callError(failure: LibvirtFailure, place: string, call: LibvirtCall): LagoError {
  const object = objectOf(call)
  const deniedPath = deniedPathIn(failure.message)
  const data = {
    ...factsOf(failure, place),
    ...(object === undefined ? {} : { object }),
    ...(deniedPath === undefined ? {} : { deniedPath }),
  }
  const text = `libvirt could not ${taskOf(call)}: ${oneLine(failure.message)} (${failure.call}, error ${failure.code})`
  if (/no space left on device/i.test(failure.message))
    return new LagoError('LAGO_NO_SPACE', text, { hint: NO_SPACE_HINT, data })
  return new LagoError('LAGO_LIBVIRT', text, { hint: callHint(failure.message, call, deniedPath), data })
}

function factsOf(failure: LibvirtFailure, uri: string): NonNullable<LagoErrorOptions['data']> {
  const { call, code, domain, message } = failure
  return { uri, call, libvirtCode: code, libvirtDomain: domain, libvirtMessage: message }
}

const WHAT: Readonly<Record<LibvirtCall['name'], string>> = {
  capabilities: 'tell what the host can do',
  createDomain: 'create the domain',
  domainInfos: 'tell the states of domains',
  domainXml: 'describe the domain',
  destroyDomain: 'destroy the domain',
  shutdownDomain: 'shut down the domain',
  suspendDomain: 'suspend the domain',
  resumeDomain: 'resume the domain',
  saveDomain: 'save the memory of the domain',
  restoreDomain: 'restore the domain',
  snapshotDomain: 'take a snapshot of the domain',
  updateDevice: 'change a device of the domain',
  limitInterface: 'limit the rate of a nic of the domain',
  monitorCommand: 'ask the qemu of the domain',
  agentCommand: 'ask the guest agent of the domain',
  watchDomains: 'tell what happens to domains',
  openConsole: 'open the console of the domain',
  createNetwork: 'create the network',
  activeNetworks: 'tell which networks are active',
  allDomains: 'list the domains',
  allNetworks: 'list the networks',
  destroyNetwork: 'destroy the network',
}

function taskOf(call: LibvirtCall): string {
  const object = objectOf(call)
  return object === undefined ? WHAT[call.name] : `${WHAT[call.name]} "${object}"`
}

function objectOf(call: LibvirtCall): string | undefined {
  switch (call.name) {
    case 'createDomain':
    case 'createNetwork':
      return nameInXml(call.args[0])
    case 'capabilities':
    case 'domainInfos':
    case 'activeNetworks':
    case 'allDomains':
    case 'allNetworks':
    case 'watchDomains':
      return undefined
    default:
      return call.args[0]
  }
}

/** The text of the first `<name>`, which is the object's own in the XML of a domain or a network. */
export function nameInXml(xml: string): string | undefined {
  return /<name>([^<]*)<\/name>/.exec(xml)?.[1]
}

// libvirt has no error numbers for these; where the daemon speaks another language the hint is missing, no more
function callHint(message: string, call: LibvirtCall, deniedPath: string | undefined): string | undefined {
  if (deniedPath !== undefined)
    return `let qemu's user read the file and pass every directory above it: chmod o+x on the one that blocks`
  if (/already (exists|active|in use|defined)|is already/i.test(message))
    return call.name === 'createNetwork'
      ? 'the name, bridge or address range is in use; see `virsh net-list --all`'
      : 'the name or uuid is in use; see `virsh list --all`'
  return undefined
}

function deniedPathIn(message: string): string | undefined {
  return /'(\/[^']+)'[^']*: Permission denied/.exec(message)?.[1]
}

const AUTH_CODES: readonly number[] = [VIR_ERR_AUTH_FAILED, VIR_ERR_AUTH_CANCELLED, VIR_ERR_AUTH_UNAVAILABLE]

function connectHint({ code, message }: LibvirtFailure): string {
  if (/no connection driver available|unsupported URI|no host|URI/i.test(message))
    return 'check --libvirt_url; on this host it is qemu:///system'
  if (AUTH_CODES.includes(code) || /permission denied|access denied/i.test(message))
    return 'are you in the group libvirt (then log in again)? else give --libvirt-user and --libvirt-password'
  return 'is the daemon running? `systemctl start libvirtd`, or without systemd: `virtlogd -d`, then `libvirtd -d`'
}

/** libvirt passes on what qemu printed, line breaks included. */
function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, '; ')
}

/** A password has no place in a libvirt URI, but that does not keep people from writing one. */
function withoutPassword(uri: string): string {
  return uri.replace(/^([^/]*:\/\/[^/@:]*):[^/@]*@/, '$1@')
}
