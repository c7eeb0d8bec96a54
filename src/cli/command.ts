/** Verbs as the command line sees them; plugins define theirs in the same form, so that it is the plugins' room's. */
export type * from '../plugin/command.js'
