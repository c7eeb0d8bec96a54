/**
 * The command line of the system's ssh client for one guest. This room reaches into guests; it does not know how they
 * came to run.
 */
import { isIPv6 } from 'node:net'
import { fileURLToPath } from 'node:url'

export interface SshTarget {
  /** For messages, and the name under which the host key is kept. */
  readonly vm: string
  readonly ip: string
  /** Default 22. */
  readonly port?: number
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

export interface SshOptions {
  readonly tty: boolean
  /** Socket of an open connection to share; ssh makes one of its own where that does not work. */
  readonly controlPath?: string | undefined
  /** Default: false. Fail rather than that. */
  readonly sharedOnly?: boolean
  /** ssh's own messages go to this file, so that stderr is the command's alone. */
  readonly logPath?: string
}

/** One command, or an interactive session, in the guest. */
export function sshCommand(target: SshTarget, remoteCommand: string | undefined, options: SshOptions): SshCommand {
  const tries = options.controlPath === undefined ? target.connectTries : 1
  return {
    argv: [
      'ssh',
      ...sshFlags(target, {
        ConnectionAttempts: String(tries),
        ...sharing(options.controlPath, 'no'),
        ...(options.sharedOnly === true ? { ProxyCommand: 'false' } : {}),
      }),
      ...(options.logPath === undefined ? [] : ['-E', options.logPath]),
      options.tty ? '-t' : '-T',
      ...['-l', target.user, '--', target.ip],
      ...(remoteCommand === undefined ? [] : [remoteCommand]),
    ],
    env: askpassEnv(target.password),
  }
}

/**
 * A connection without a command, for others to share; prints a line once it stands, and ends when it breaks. Its stderr
 * has details beside complaints.
 */
export function sshMasterCommand(target: SshTarget, controlPath: string): SshCommand {
  const own = { PermitLocalCommand: 'yes', LocalCommand: 'echo', LogLevel: 'DEBUG1' }
  const settings = { ...sharing(controlPath, 'yes'), ...own }
  return {
    argv: ['ssh', ...sshFlags(target, settings), '-N', '-T', '-l', target.user, '--', target.ip],
    env: { ...askpassEnv(target.password), SHELL: '/bin/sh' }, // runs LocalCommand
  }
}

/** File transfer over the connection at `controlPath`, or one of its own; the batch is read from standard input. */
export function sftpCommand(target: SshTarget, controlPath: string | undefined): SshCommand {
  // sftp(1): what follows a colon outside of brackets is a path
  const address = `${target.user}@${isIPv6(target.ip) ? `[${target.ip}]` : target.ip}`
  return {
    argv: ['sftp', '-q', '-b', '-', '-p', ...sshFlags(target, sharing(controlPath, 'no')), '--', address],
    env: askpassEnv(target.password),
  }
}

/**
 * Nothing is taken from the user's own ssh configuration, so that the same command works everywhere.
 *
 * The host key is kept by the VM's name at the first contact, and must be the same from then on. A guest that dies
 * silently ends the session after 15 s; without that a power-off would leave ssh hanging for ever.
 */
function sshFlags(target: SshTarget, more: Readonly<Record<string, string>>): string[] {
  const settings = {
    Port: String(target.port ?? 22),
    IdentityFile: quotePath(target.keyPath),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: target.password === undefined ? 'publickey' : 'publickey,password',
    NumberOfPasswordPrompts: '1',
    StrictHostKeyChecking: 'accept-new',
    UserKnownHostsFile: quotePath(target.knownHostsPath),
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: target.vm,
    HashKnownHosts: 'no',
    UpdateHostKeys: 'no',
    ConnectTimeout: String(Math.max(1, Math.round(target.connectTimeoutMs / 1000))),
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    LogLevel: 'ERROR',
    ...more,
  }
  return ['-F', 'none', ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
}

function sharing(controlPath: string | undefined, master: 'yes' | 'no'): Record<string, string> {
  return controlPath === undefined ? {} : { ControlPath: quotePath(controlPath), ControlMaster: master }
}

/** ssh_config(5): quotes keep blanks together, a backslash takes a quote's meaning away, and `%` begins a token. */
function quotePath(file: string): string {
  return `"${file.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`
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
