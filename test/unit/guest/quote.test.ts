/** Words for shells and for ssh, as a shell and an ssh read them. */
import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { commandText, quoteWord } from '../../../src/guest/quote.js'
import { sftpCommand, sshCommand, sshMasterCommand, type SshTarget } from '../../../src/guest/ssh-command.js'
import { HOSTILE_TEXTS } from '../../helpers/hostile.js'

/** What can be an argument, and is the same after a way through UTF-8. */
const WORDS = HOSTILE_TEXTS.filter((text) => !/[\0\p{Surrogate}]/u.test(text))

test('every word reaches the program that a shell runs as one argument, to the letter', () => {
  const word = fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }))
  const usable = word.filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(fc.array(usable, { minLength: 20, maxLength: 40 }), (words) => {
      const text = commandText(['printf', '%s\\0', ...words])
      const printed = execFileSync('sh', ['-c', text], { encoding: 'utf8' })
      expect(printed.split('\0').slice(0, -1)).toEqual(words)
    }),
    { numRuns: 30 },
  )
})

test('a NUL is refused, for it would cut the word', () => {
  expect(() => quoteWord('a\0b')).toThrow('not a word that a command can have')
})

const targetWith = (given: Partial<SshTarget>): SshTarget => ({
  vm: 'vm0',
  ip: '192.0.2.1',
  user: 'root',
  password: 'secret',
  keyPath: '/k',
  knownHostsPath: '/h',
  connectTimeoutMs: 1000,
  connectTries: 1,
  ...given,
})

test.each([`a"b c`, `a\\b`, `a\\"b`, `a'b`, '%h%%x', 'a,b=c', '-oX', '$(id)', 'ü\u202e', '"" ProxyCommand=x'])(
  'ssh finds key and known hosts in a directory named %j',
  (name) => {
    const dir = `/w/${name}`
    const target = targetWith({ keyPath: `${dir}/id_rsa`, knownHostsPath: `${dir}/known` })
    for (const { argv } of [
      sshCommand(target, 'true', { tty: false }),
      sshCommand(target, 'true', { tty: false, controlPath: `${dir}/socket` }),
    ]) {
      const [program, ...args] = argv
      const settings = execFileSync(program, ['-G', ...args], { encoding: 'utf8' }).split('\n')
      // -G shows what is found before its tokens are filled in
      expect(settings).toContain(`identityfile ${dir.replaceAll('%', '%%')}/id_rsa`)
      expect(settings.filter((line) => line.startsWith('userknownhostsfile '))).toHaveLength(1)
      expect(settings).toContain(`userknownhostsfile ${dir}/known`)
      expect(settings.filter((line) => line.startsWith('proxycommand'))).toEqual([])
    }
  },
)

test.each(['-oProxyCommand=touch /tmp/hx7', '--', 'a b', `'"$(id)`])(
  'user %j is one argument that is no option, and the password is in none',
  (user) => {
    const target = targetWith({ user, password: 'secret' })
    const commands = [
      sshCommand(target, 'true', { tty: true }),
      sshMasterCommand(target, '/s'),
      sftpCommand(target, '/s'),
    ]
    for (const { argv } of commands) {
      const at = argv.findIndex((word) => word.includes(user) && word !== '--')
      if (user !== '--') expect(['-l', '--']).toContain(argv[at - 1])
      expect(argv.at(argv.indexOf('-l') + 1) === user || argv.at(-1)?.startsWith(`${user}@`)).toBe(true)
      expect(argv.join(' ')).not.toContain('secret')
    }
  },
)
