/** The jobs of the examples in examples/ci, read from the files of both systems, of which each key is known. */
import { readFile } from 'node:fs/promises'
import { load } from 'js-yaml'
import { z } from 'zod'

export interface CiJob {
  /** Below the project. */
  readonly cacheDir: string
  readonly resultsDir: string
  readonly env: Readonly<Record<string, string>>
  readonly steps: readonly CiStep[]
}

export interface CiStep {
  readonly name: string
  readonly script: string
  /** argv of the shell; `{0}` is the file with the script. */
  readonly shell: readonly string[]
  /** Whether it runs after a step that has failed, too. */
  readonly always: boolean
}

const runStep = z.strictObject({ name: z.string(), if: z.literal('always()').optional(), run: z.string() })
const checkoutStep = z.strictObject({ uses: z.literal('actions/checkout@v4') })
/** https://github.com/actions/cache: `restore` and `save` are one half each of what stores nothing when a job fails. */
const restoreStep = z.strictObject({
  uses: z.literal('actions/cache/restore@v4'),
  id: z.literal('images'),
  with: z.strictObject({ path: z.string(), key: z.literal("lago-${{ hashFiles('template-repo.json') }}") }),
})
const saveStep = z.strictObject({
  uses: z.literal('actions/cache/save@v4'),
  if: z.literal("steps.images.outputs.cache-hit != 'true'"),
  with: z.strictObject({ path: z.string(), key: z.literal('${{ steps.images.outputs.cache-primary-key }}') }),
})
const uploadStep = z.strictObject({
  uses: z.literal('actions/upload-artifact@v4'),
  if: z.literal('always()'),
  with: z.strictObject({
    name: z.string(),
    path: z.string(),
    'if-no-files-found': z.enum(['warn', 'error', 'ignore']),
  }),
})

/** https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax */
const workflow = z.strictObject({
  name: z.string(),
  on: z.strictObject({ push: z.strictObject({ branches: z.tuple([z.literal('main')]) }), pull_request: z.null() }),
  permissions: z.strictObject({ contents: z.literal('read') }),
  jobs: z.strictObject({
    environment: z.strictObject({
      'runs-on': z.literal('ubuntu-24.04'),
      'timeout-minutes': z.int().positive(),
      env: z.record(z.string(), z.string()),
      defaults: z.strictObject({ run: z.strictObject({ shell: z.string().regex(/ \{0\}$/) }) }),
      steps: z.array(z.union([runStep, checkoutStep, restoreStep, saveStep, uploadStep])),
    }),
  }),
})

/** The one job of a workflow of GitHub, in a repository with these variables. */
export async function githubJob(file: string, variables: Readonly<Record<string, string>>): Promise<CiJob> {
  const { env, defaults, steps } = workflow.parse(load(await readFile(file, 'utf8'))).jobs.environment
  const shell = defaults.run.shell.split(' ')
  return {
    cacheDir: cacheDirOf(steps),
    resultsDir:
      z
        .array(uploadStep)
        .length(1)
        .parse(steps.filter(uses('actions/upload')))
        .at(-1)?.with.path ?? '',
    env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, evaluated(text, variables)])),
    steps: steps.flatMap((step) => {
      if ('run' in step) return [{ name: step.name, script: plain(step.run), shell, always: step.if !== undefined }]
      const saved = saveStep.safeParse(step).data
      // in the place of the upload, the names of what would be uploaded: nothing was restored
      return saved === undefined ? [] : [{ name: SAVE, script: `find ${saved.with.path}`, shell: SH, always: false }]
    }),
  }
}

/** The step that keeps the images. */
export const SAVE = 'actions/cache/save'
const SH = ['sh', '-e', '{0}']

/** Of both halves of the cache. */
function cacheDirOf(steps: readonly object[]): string {
  const [restored, saved] = z.tuple([restoreStep, saveStep]).parse(steps.filter(uses('actions/cache')))
  return z.literal(restored.with.path).parse(saved.with.path)
}

function uses(action: string): (step: object) => boolean {
  return (step) => 'uses' in step && typeof step.uses === 'string' && step.uses.startsWith(action)
}

/** `text`, or the value of the one kind of expression that the example has. */
function evaluated(text: string, variables: Readonly<Record<string, string>>): string {
  const [, name = '', otherwise = ''] = /^\$\{\{ vars\.(\w+) \|\| '([^']*)' \}\}$/.exec(text) ?? []
  return name === '' ? plain(text) : (variables[name] ?? otherwise)
}

/** Throws when there is an expression in it, which nobody would evaluate. */
function plain(text: string): string {
  if (text.includes('${{')) throw new Error(`an expression that is not known: ${text}`)
  return text
}

const lines = z.array(z.string()).nonempty()
const oneDir = z.tuple([z.string().regex(/\/$/)])

/** https://docs.gitlab.com/ci/yaml/ */
const pipeline = z.strictObject({
  environment: z.strictObject({
    image: z.string(),
    timeout: z.string().regex(/^\d+ minutes$/),
    variables: z.record(z.string(), z.string()),
    cache: z.strictObject({ key: z.strictObject({ files: lines }), paths: oneDir, when: z.literal('always') }),
    before_script: lines,
    script: lines,
    artifacts: z.strictObject({
      when: z.literal('always'),
      paths: oneDir,
      reports: z.strictObject({ junit: z.string() }),
    }),
  }),
})

/**
 * The one job of a .gitlab-ci.yml, in a project with these variables, which go before those of the file. The runner puts
 * `before_script` and `script` into one script. The example has no `after_script`: Docker's executor starts the container
 * anew for it, without the daemons and machines of the script
 * (https://gitlab.com/gitlab-org/gitlab-runner/-/merge_requests/2026), which are still there where tests run.
 */
export async function gitlabJob(file: string, variables: Readonly<Record<string, string>>): Promise<CiJob> {
  const job = pipeline.parse(load(await readFile(file, 'utf8'))).environment
  const script = ['set -eo pipefail', ...job.before_script, ...job.script, ''].join('\n')
  return {
    cacheDir: job.cache.paths[0],
    resultsDir: job.artifacts.paths[0],
    env: { ...job.variables, ...variables },
    steps: [{ name: 'script', script, shell: ['bash', '{0}'], always: false }],
  }
}
