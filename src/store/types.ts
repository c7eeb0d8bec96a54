/** Disk templates: what a repository offers and what the local store holds (spec 4). */
import type { Task } from '../base/task.js'

export interface TemplateRef {
  readonly repo: string
  readonly name: string
  readonly version: string
}

export interface StoredTemplate {
  readonly ref: TemplateRef
  readonly path: string
  /** The store converts to raw, as upstream's does (spec 4.3). */
  readonly format: 'raw'
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Where a repository's images come from. */
export interface TemplateSource {
  /** Hex SHA-1 of the image as published. */
  sha1(task: Task, handle: string): Promise<string>
  metadata(task: Task, handle: string): Promise<Readonly<Record<string, unknown>>>
  /** Writes the image, uncompressed, to `toPath` and gives the hex SHA-1 of what it wrote. */
  fetch(task: Task, handle: string, toPath: string): Promise<string>
}

export interface TemplateVersion {
  readonly ref: TemplateRef
  readonly source: TemplateSource
  readonly handle: string
}

export interface TemplateRepository {
  readonly name: string
  /**
   * Without `version` the latest by timestamp.
   * Throws `LAGO_TEMPLATE_UNKNOWN`, listing the names or versions that exist.
   */
  find(template: string, version?: string): TemplateVersion
}

export interface TemplateStore {
  /** Fetches, verifies and converts once, whoever asks how often; Throws `LAGO_TEMPLATE_CHECKSUM` and others. */
  ensure(task: Task, template: TemplateVersion): Promise<StoredTemplate>
  find(ref: TemplateRef): Promise<StoredTemplate | undefined>
}
