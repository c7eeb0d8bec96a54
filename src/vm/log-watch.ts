/** Tells that something has happened to a VM's console log. */
import { watch, type FSWatcher } from 'node:fs'
import path from 'node:path'
import { isSystemError } from '../base/errors.js'

/** Where the kernel has no watches to give, or stops giving them. */
const POLL_MS = 250

/**
 * Calls `onChange` when the log may have changed, or may have been renamed, until the function that comes back is called.
 * The directory is watched, and looked at from time to time where it cannot be.
 */
export function watchConsoleLog(logPath: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const poll = (): void => void (timer ??= setInterval(onChange, POLL_MS))
  const watcher = startWatcher(logPath)
  if (watcher === undefined) poll()
  watcher?.on('change', (_, name) => {
    if (name === null || String(name).startsWith(path.basename(logPath))) onChange()
  })
  watcher?.on('error', () => {
    watcher.close()
    poll()
    onChange()
  })
  return () => {
    watcher?.close()
    clearInterval(timer)
  }
}

function startWatcher(logPath: string): FSWatcher | undefined {
  try {
    return watch(path.dirname(logPath))
  } catch (error) {
    if (isSystemError(error, 'ENOSPC', 'EMFILE', 'ENOENT')) return undefined
    throw error
  }
}
