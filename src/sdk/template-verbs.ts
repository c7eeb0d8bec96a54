/** What `lago template ...` and the SDK have in common. */
import path from 'node:path'
import { fanOut } from '../base/fan-out.js'
import type { Task } from '../base/task.js'
import { checkStrategyName } from '../bootstrap/choose.js'
import type { Host } from '../prefix/host.js'
import { importImage } from '../store/import-image.js'
import { listTemplates, type TemplateListing } from '../store/list.js'
import { selectStored } from '../store/named.js'
import { openRepository } from '../store/open-repository.js'
import { publishTemplates } from '../store/publish.js'
import { prunable, requireUnused } from '../store/prune.js'
import { looksLikeDigest } from '../store/remote-file.js'
import { isUrl } from '../store/source.js'
import { listStored, type StoredInfo } from '../store/stored.js'
import { parseTemplateName } from '../store/template-name.js'
import { openTemplates, requireRepository } from '../store/templates.js'
import type { StoredTemplate } from '../store/types.js'
import { verifyStored, type Verdict } from '../store/verify.js'
import type { PublishedTemplates, TemplateImport, TemplatePublication } from './template-types.js'

/** Relative paths start at `cwd`; `env` is for variables in the repository file. */
export interface TemplateContext {
  readonly host: Host
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export async function listOf(task: Task, { host, env }: TemplateContext): Promise<readonly TemplateListing[]> {
  const repository = await openRepository(task, host.templateOptions(env))
  return listTemplates(task, repository, await listStored(host.store.dir))
}

/** No names: the latest of every template of the repository. */
export async function fetchNamed(
  task: Task,
  { host, env }: TemplateContext,
  names: readonly string[],
): Promise<readonly StoredTemplate[]> {
  const templates = await openTemplates(task, host.store.dir, host.templateOptions(env))
  const wanted = names.length > 0 ? names : requireRepository(templates.repository).templates
  const versions = wanted.map((name) => {
    const { template, version } = parseTemplateName(name)
    return templates.find(template, version)
  })
  return fanOut(task, versions, async (version, task) => host.store.ensure(task, version))
}

export async function importTemplate(
  task: Task,
  { host, cwd, env }: TemplateContext,
  { name, image, version = today(), checksum, metadata = {} }: TemplateImport,
): Promise<StoredTemplate> {
  if (metadata['bootstrap'] !== undefined) checkStrategyName(metadata['bootstrap'])
  const place = (text: string): string => (isUrl(text) ? text : path.resolve(cwd, text))
  const from = place(image)
  if (checksum === undefined && /^http:/i.test(from))
    task.log('warning', `${from} comes over an open connection, and there is no checksum to compare it with`)
  const options = host.templateOptions(env)
  const findParent = async (name: string, version: string): Promise<string> => {
    const templates = await openTemplates(task, host.store.dir, options)
    return (await host.store.ensure(task, templates.find(name, version))).path
  }
  const sum = checksum === undefined || looksLikeDigest(checksum) ? checksum : place(checksum)
  const request = { name, version, from, checksum: sum, metadata }
  return importImage(task, host.store.dir, request, { downloader: options.downloader, findParent })
}

function today(): string {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '')
}

/** No names: all that are in the store. */
export async function verifyNamed(
  task: Task,
  { host }: TemplateContext,
  names: readonly string[],
): Promise<ReadonlyMap<string, Verdict>> {
  return verifyStored(task, selectStored(await listStored(host.store.dir), names))
}

/** What `prune` would remove; no names: all that can be fetched again. Throws `LAGO_TEMPLATE_IN_USE`. */
export async function prunableAmong(
  { host }: TemplateContext,
  names: readonly string[],
): Promise<readonly StoredInfo[]> {
  const selected = selectStored(await listStored(host.store.dir), names)
  if (names.length > 0) requireUnused(selected)
  return prunable(selected, names.length > 0)
}

export async function publishNamed(
  task: Task,
  { host, cwd }: TemplateContext,
  { names = [], compress, force = false, ...request }: TemplatePublication,
): Promise<PublishedTemplates> {
  const dir = path.resolve(cwd, request.dir)
  const stored = selectStored(await listStored(host.store.dir), names)
  const name = request.repositoryName ?? path.basename(dir)
  const repository = await publishTemplates(task, stored, { dir, name, compress, force })
  return { repository, templates: stored.map(({ files }) => files.key) }
}
