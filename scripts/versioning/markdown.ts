/** Words of commits in Markdown: a mark in them is no mark. */
import type { Commit } from './history.js'
import { subjectOf } from './subject.js'

export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_<>[\]|~]/g, '\\$&')
}

/** `Subject (e02497b1)`. */
export function markdownSubject(commit: Commit): string {
  return `${escapeMarkdown(subjectOf(commit.message).trim())} (${commit.hash.slice(0, 8)})`
}
