import { expect, test } from '@jest/globals'
import { command, commandsFileText, writeFileCommands } from '../../../../src/bootstrap/guestfs/commands.js'

test('a command is a line; a value of several lines has a backslash at their ends', () => {
  const commands = [
    command('selinux-relabel'),
    command('hostname', 'vm0'),
    ...writeFileCommands('/etc/a/b', ['1', ' 2']),
  ]
  expect(commandsFileText(commands)).toBe(
    'selinux-relabel\nhostname vm0\nmkdir /etc/a\nwrite /etc/a/b:1\\\n 2\\\n\nchmod 0644:/etc/a/b\n',
  )
})

test.each(['a\\', 'a\\\nb'])('a backslash that would be taken for such a one is refused: %j', (value) => {
  expect(() => commandsFileText([command('write', `/a:${value}`)])).toThrow('unreachable')
})
