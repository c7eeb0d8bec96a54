/**
 * `$NAME` and `${NAME}` in `text`, from an explicit map; an unknown name stays as it is written (as Python's
 * os.path.expandvars does, on which init files rely). Nothing else of a shell's syntax is looked at.
 */
export function expandVars(text: string, vars: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\})/g, (whole, bare?: string, braced?: string) => {
    return vars[bare ?? braced ?? ''] ?? whole
  })
}
