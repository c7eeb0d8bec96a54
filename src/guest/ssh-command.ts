/**
 * The command line of the system's ssh client for one guest. This room reaches into guests; it does not know how they
 * came to run.
 */
import { fileURLToPath } from 'node:url'

export interface SshTarget {
  /** For messages. */
  readonly vm: string
  readonly ip: string
  readonly user: string
  /** Tried after the key; undefined: key only. */
  readonly password: string | undefined
  readonly keyPath: string
  /** Where the guest's host key is kept from the first contact on; may be missing. */
  readonly knownHostsPath: string
  readonly connectTimeoutMs: number
  /** Attempts to connect, a second apart. */
  readonly connectTries: number
}

export interface SshCommand {
  readonly argv: readonly [string, ...string[]]
  /** Added to the environment; carries the password, which is thereby in no argument list. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * `ssh` with nothing taken from the user's own ssh configuration, so that the same command works everywhere.
 *
 * Host keys are accepted and not stored (spec 6.2): guests are made anew all the time under the same addresses. A
 * guest that dies silently ends the session after 15 s; without that a power-off would leave ssh hanging for ever.
 */
export function sshCommand(
  target: SshTarget,
  remoteCommand: string | undefined,
  options: { tty: boolean },
): SshCommand {
  const settings = {
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    GlobalKnownHostsFile: '/dev/null',
    IdentitiesOnly: 'yes',
    PreferredAuthentications: target.password === undefined ? 'publickey' : 'publickey,password',
    NumberOfPasswordPrompts: '1',
    ConnectionAttempts: String(target.connectTries),
    ConnectTimeout: String(Math.max(1, Math.round(target.connectTimeoutMs / 1000))),
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return {
    argv: [
      'ssh',
      ...['-F', 'none', '-i', target.keyPath, ...flags],
      options.tty ? '-t' : '-T',
      ...['-l', target.user, '--', target.ip],
      ...(remoteCommand === undefined ? [] : [remoteCommand]),
    ],
    env: askpassEnv(target.password),
  }
}

/** ssh reads passwords from a terminal or from a program that it starts; ours prints what it finds in its environment. */
function askpassEnv(password: string | undefined): Record<string, string> {
  if (password === undefined) return {}
  return {
    SSH_ASKPASS: fileURLToPath(import.meta.resolve('lago/templates/ssh-askpass')),
    SSH_ASKPASS_REQUIRE: 'force', // OpenSSH 8.4
    LAGO_SSH_PASSWORD: password,
  }
}
