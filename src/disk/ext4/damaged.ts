import { LagoError } from '../../base/errors.js'

export function damaged(what: string): LagoError {
  return new LagoError('LAGO_DISK_UNREADABLE', `the ext4 file system is damaged: ${what}`)
}
