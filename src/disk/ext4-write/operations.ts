/** What can be done to the files of a file system that is not mounted. */

/**
 * Paths are absolute. Links on the way to the last part are followed within the file system, and directories that are
 * missing there are made, owned by root and with mode 0755.
 */
export type FileOperation = DirectoryOperation | WriteOperation | LinkOperation | RemoveOperation

/** Made when it is not there; its mode and owner become these in any case. */
export interface DirectoryOperation extends Access {
  readonly kind: 'directory'
  readonly path: string
}

/** In the place of what is there, which may be anything but a directory: a link is not followed. */
export interface WriteOperation extends Access {
  readonly kind: 'file'
  readonly path: string
  /** Goes to debugfs as an open file without a name, so it may be a secret. */
  readonly content: Buffer
}

/** Owned by root; in the place of what is there, as for a file. */
export interface LinkOperation {
  readonly kind: 'symlink'
  readonly path: string
  readonly target: string
}

/** Of a file or a link; nothing when there is none. A directory is refused. */
export interface RemoveOperation {
  readonly kind: 'remove'
  readonly path: string
}

export interface Access {
  /** Permission bits. */
  readonly mode: number
  /** Default: root. */
  readonly uid?: number
  readonly gid?: number
}
