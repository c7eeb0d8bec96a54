/** `--dist`, of all programs that build RPMs. */

/** A default of yargs' own would be taken for the value where that is missing, as behind a variable that is not set. */
export const DEFAULT_DISTS: readonly string[] = ['el9']

export const DIST_OPTION = {
  type: 'string',
  array: true,
  requiresArg: true,
  defaultDescription: 'el9',
  describe: 'distributions of the RPMs to build',
} as const
