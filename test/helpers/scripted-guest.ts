import type { Guest, GuestResult } from '../../src/guest/guest.js'

export interface ScriptedGuest extends Guest {
  /** The commands so far, words joined by spaces. */
  readonly commands: readonly string[]
}

/** A guest named vm0 that answers with the first of `answers` whose key its command contains; else with exit code 127. */
export function scriptedGuest(answers: Readonly<Record<string, Partial<GuestResult>>>): ScriptedGuest {
  const commands: string[] = []
  return {
    vm: 'vm0',
    commands,
    async run(_, command) {
      const text = typeof command === 'string' ? command : command.join(' ')
      commands.push(text)
      const [, answer = { exitCode: 127 }] = Object.entries(answers).find(([key]) => text.includes(key)) ?? []
      return { exitCode: 0, stdout: '', stderr: '', ...answer }
    },
    start: () => {
      throw new Error('nothing is started in this guest')
    },
    disconnect: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
