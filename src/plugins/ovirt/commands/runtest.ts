import type { CommandSpec } from '../../../index.js'
import { withEnv } from '../with-env.js'

export const runtest: CommandSpec = {
  name: 'ovirt runtest',
  summary: 'Run a file of tests against the environment while the internal repository is served',
  example: 'lago ovirt runtest 001_initialize_engine.py',
  args: [
    {
      name: 'file',
      arity: 'one',
      complete: 'file',
      help: 'tests in Python (.py), JavaScript (.js, .mjs) or TypeScript (.ts)',
    },
  ],
  options: [
    {
      name: 'junitxml-file',
      complete: 'file',
      type: 'string',
      help: 'where the result file goes: a directory (with / at the end), a name, or both; default: named after the file, in the prefix',
    },
    { name: 'revert', type: 'string', complete: 'snapshot', help: 'go back to this snapshot first' },
    { name: 'timeout', type: 'int', help: 'seconds after which the tests are ended; 0: never (default 7200)' },
  ],
  async run(context) {
    const { runTests } = await import('../run-tests.js')
    const { args } = context
    return withEnv(context, async (env) =>
      runTests(context, env, {
        file: args.one('file') ?? '',
        junitPath: args.one('junitxml-file'),
        snapshot: args.one('revert'),
        timeoutSeconds: args.int('timeout') ?? DEFAULT_TIMEOUT_S,
      }),
    )
  },
}

const DEFAULT_TIMEOUT_S = 7200
