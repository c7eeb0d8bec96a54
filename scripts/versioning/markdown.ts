/** Words of commits in Markdown: a mark in them is no mark. */
import type { Commit } from './history.js'
import { subjectOf } from './subject.js'

/** On one line: Markdown knows more line ends than git. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/[\\`*_<>[\]|~]/g, '\\$&')
}

/** `Subject (e02497b1)`. */
export function markdownSubject(commit: Commit): string {
  return `${escapeMarkdown(subjectOf(commit.message).trim())} (${commit.hash.slice(0, 8)})`
}
