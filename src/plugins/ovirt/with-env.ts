import { envOfVerb, type CommandContext, type Env } from '../../index.js'

/** Gives `work` the environment that the user means, and closes it afterwards. */
export async function withEnv<T>(context: CommandContext, work: (env: Env) => Promise<T>): Promise<T> {
  await using env = await envOfVerb(context)
  return await work(env)
}
