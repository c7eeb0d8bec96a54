import { explainSystemError } from '../base/errors.js'
import type { Task } from '../base/task.js'
import type { TemplateListing } from '../store/list.js'
import { pruneStored } from '../store/prune.js'
import type { StoredInfo } from '../store/stored.js'
import type { StoredTemplate } from '../store/types.js'
import { prefixDirOf } from '../store/users.js'
import { openSession, type Session } from './session.js'
import * as verbs from './template-verbs.js'
import type { StoredFacts, StoredImage, Template, Templates, TemplatesOptions } from './template-types.js'

/** See `loadTemplates`. */
export function createTemplates(options: TemplatesOptions): Templates {
  const session = openSession(options)
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    closing ??= Promise.resolve(session[Symbol.asyncDispose]())
    await closing
  }
  const run = async <T>(work: (task: Task, context: verbs.TemplateContext) => Promise<T>): Promise<T> => {
    if (closing !== undefined) throw new Error('the templates have been closed')
    try {
      return await work(session.task, await contextOf(session))
    } catch (error) {
      throw explainSystemError(error)
    }
  }
  return {
    list: async () => run(async (task, context) => (await verbs.listOf(task, context)).map(templateOf)),
    fetch: async (names = []) =>
      run(async (task, context) => (await verbs.fetchNamed(task, context, names)).map(imageOf)),
    import: async (request) =>
      run(async (task, context) => imageOf(await verbs.importTemplate(task, context, request))),
    verify: async (names = []) => run(async (task, context) => verbs.verifyNamed(task, context, names)),
    prune: async (names = []) =>
      run(async (task, context) => {
        const removed = await pruneStored(task, await verbs.prunableAmong(context, names))
        return removed.map(({ files }) => files.key)
      }),
    publish: async (request) => run(async (task, context) => verbs.publishNamed(task, context, request)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function contextOf(session: Session): Promise<verbs.TemplateContext> {
  const { cwd, env } = session.surroundings
  return { host: await session.host(), cwd, env }
}

function templateOf({ ref, stored, isOffered, isLatest }: TemplateListing): Template {
  const { repo, name, version } = ref
  const facts = stored === undefined ? undefined : factsOf(stored)
  return { repository: repo, name, version, isOffered, isLatest, stored: facts }
}

function factsOf({ files, sizeBytes, usedBytes, storedAtMs, origin, users }: StoredInfo): StoredFacts {
  const usedBy = users.map(prefixDirOf)
  const storedAt = new Date(storedAtMs)
  return { path: files.image, sizeBytes, diskUseBytes: usedBytes, storedAt, from: origin?.image, usedBy }
}

function imageOf({ ref, path }: StoredTemplate): StoredImage {
  return { repository: ref.repo, name: ref.name, version: ref.version, path }
}
